import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';

const root = new URL('../../', import.meta.url);

it('device/README.md names the imports of each folder as the architecture check has them', async () => {
  const rules: unknown = await import(new URL('.dependency-cruiser.mjs', root).href);
  const { mayImport } = z.object({ mayImport: z.record(z.string(), z.array(z.string())) }).parse(rules);
  const rows = readFileSync(new URL('device/README.md', root), 'utf8').matchAll(
    /^\| `([a-z]+)\/` \|.*\| ([a-z, ]+) \|$/gm,
  );
  const inReadme = [...rows]
    .filter(([, folder]) => folder !== 'main')
    .map(([, folder = '', others = '']) => [folder, others === 'nobody' ? [] : others.split(', ').sort()]);
  // platform is said once for all of them.
  const inRules = Object.entries(mayImport).map(([folder, others]) => [
    folder,
    others.filter((one) => one !== 'platform').sort(),
  ]);
  expect(Object.fromEntries(inReadme)).toEqual(Object.fromEntries(inRules));
});
