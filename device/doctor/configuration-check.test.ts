import { expect, test } from 'vitest';
import { type KeptConfiguration, type KeptRead, nothingKept } from '../config/last-good.ts';
import { configurationChecks } from './configuration-check.ts';

const lastGood = { deployment: { tempLimit: '30' }, configVersion: '0123abcd', takenAt: '2026-03-01T12:00:00Z' };
const refused = { at: '2026-03-02T12:00:00Z', reason: 'two problems.\n- tempLimit: found "hot"' };
const kept = (change: Partial<KeptConfiguration>): KeptRead => ({ ok: true, kept: { ...nothingKept, ...change } });

async function findings(...reads: KeptRead[]) {
  const here = reads.map((read, index) => ({ component: `component-${index}`, path: `/data/${index}.json`, read }));
  return Promise.all(
    configurationChecks(here).map(async ({ name, run }) => {
      const { result, found, todo } = await run();
      return [name, result, found, todo].filter((part) => part !== undefined).join(' | ');
    }),
  );
}

test.each<[string, KeptRead[], string[]]>([
  ['no deployment', [kept({})], ['deployment | skip | no Greengrass deployment']],
  ['one in force', [kept({ lastGood })], ['deployment of component-0 | ok | version 0123abcd of 2026-03-01T12:00:00Z']],
  [
    'one refused after it',
    [kept({ lastGood, refused })],
    [
      '| warn | the latest was refused at 2026-03-02T12:00:00Z: two problems. - tempLimit: found "hot" In force is version',
    ],
  ],
  ['the first one refused', [kept({ refused })], ['| fail | the latest was refused at']],
  ['a damaged file', [{ ok: false, flaw: 'is no JSON' }], ['| warn | /data/0.json is no JSON | Remove it']],
  ['both components', [kept({ lastGood }), kept({ refused })], ['component-0 | ok', 'component-1 | fail']],
])('%s', async (_name, reads, expected) => {
  const found = await findings(...reads);
  expect(found).toHaveLength(expected.length);
  for (const [index, text] of expected.entries()) expect(found[index]).toContain(text);
});
