import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { costADay } from '../../../cloud/data-out/cost-model.ts';
import { partBytes } from '../../../cloud/data-out/delivered.aws.ts';
import { readingMessage } from '../../../device/reading/reading.ts';
import { benchSlice, readingsOf, transformFor } from './run.ts';

const measuredSchema = z.object({
  takenOn: z.iso.date(),
  cpuSecondsAMb: z.object({ low: z.number().positive(), high: z.number().positive() }),
  outputRatio: z.number().positive(),
});

test('what the README says of the day that the post tells of is what the model computes of what was measured', () => {
  const text = readFileSync(new URL('./measured.json', import.meta.url), 'utf8');
  const { takenOn, cpuSecondsAMb, outputRatio } = measuredSchema.parse(JSON.parse(text));
  const { low, high } = costADay({ cpuSecondsAMb, outputRatio, sliceBytes: benchSlice, partBytes });
  const readme = readFileSync(new URL('../../../cloud/data-out/README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`Measured on ${takenOn}`);
  expect(readme).toContain(`${cpuSecondsAMb.low.toFixed(4)} to ${cpuSecondsAMb.high.toFixed(4)} CPU-s/MB`);
  expect(readme).toContain(`**$${low.usd.toFixed(0)} to $${high.usd.toFixed(0)} a day**`);
  expect(readme).toContain(`${low.factor.toFixed(2)} to ${high.factor.toFixed(2)} times`);
});

test('what is measured with are lines of about 220 bytes, as the events of the post, none of which is refused', async () => {
  const content = readingsOf(100_000);
  const lines = content.toString().trim().split('\n');
  for (const line of lines) readingMessage.parse(JSON.parse(line));
  expect(content.length / lines.length).toBeGreaterThan(200);
  expect(content.length / lines.length).toBeLessThan(240);
  const { megabytes, outputRatio } = await transformFor(content, 1);
  expect(megabytes).toBeGreaterThan(0.1);
  expect(outputRatio).toBeGreaterThan(0.2);
});
