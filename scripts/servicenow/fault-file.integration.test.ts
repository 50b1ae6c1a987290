import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faultSchema } from '../../device/simulation/servicenow/faults.ts';
import { readFaultFile } from './fault-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fault-file-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(text: string) {
  const file = join(folder, 'faults.yaml');
  await writeFile(file, text);
  return readFaultFile(file);
}

describe('a fault scenario', () => {
  test('is a seed and faults, with their defaults', async () => {
    const scenario = await read(
      'seed: 7\nfaults:\n  - kind: status\n    status: 429\n    retryAfterSeconds: 30\n    probability: 0.1\n  - kind: hibernate\n    between: { fromMs: 1000, untilMs: 2000 }\n',
    );
    expect(scenario.seed).toBe(7);
    expect(scenario.faults).toMatchObject([
      { kind: 'status', status: 429, retryAfterSeconds: 30, probability: 0.1, match: {} },
      { kind: 'hibernate', probability: 1, between: { fromMs: 1_000, untilMs: 2_000 } },
    ]);
  });

  test.each([
    ['an unknown kind', 'faults:\n  - kind: explode\n', 'kind'],
    ['a field that its kind does not have', 'faults:\n  - kind: hibernate\n    status: 500\n', 'status'],
    ['no list', 'faults: 1\n', 'faults'],
    ['nothing', '', 'is not one'],
    ['no YAML', 'faults: [', 'line 1'],
  ])('is refused in words: %s', async (_case, text, word) => {
    await expect(read(text)).rejects.toMatchObject({
      reason: 'faults-unusable',
      message: expect.stringContaining(word),
    });
  });

  test('that is not there is said to be so', async () => {
    await expect(readFaultFile(join(folder, 'none.yaml'))).rejects.toThrow('none.yaml does not exist; check the path.');
  });

  test('of the reference is one, and every kind is in the reference', async () => {
    const reference = await readFile('device/simulation/servicenow/README.md', 'utf8');
    const example = /```yaml\n([\s\S]*?)```/.exec(reference)?.[1] ?? '';
    expect((await read(example)).faults.length).toBeGreaterThan(2);
    for (const kind of faultSchema.options.map((option) => option.shape.kind.value)) {
      expect(reference).toContain(`| \`${kind}\``);
    }
  });
});
