import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { generatedFiles } from './generated-files.ts';

it.each([...generatedFiles()])(
  '%s is what the schemas say; where it is not, run: npm run reference',
  async (path, content) => {
    const file = fileURLToPath(new URL(`../../${path}`, import.meta.url));
    expect(await readFile(file, 'utf8'), 'The schemas have changed. Run: npm run reference').toBe(content);
  },
);
