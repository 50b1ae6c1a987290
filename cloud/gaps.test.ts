import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { gaps } from './gaps.ts';

it('each gap has a probe', () => {
  const probes = readFileSync(join(import.meta.dirname, 'testing/gaps.cloud.test.ts'), 'utf8');
  for (const { id } of gaps) expect(probes).toContain(`'probe: ${id}: `);
  expect(probes.match(/'probe: /g)).toHaveLength(gaps.length);
});
