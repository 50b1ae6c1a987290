import { expect, test } from 'vitest';
import { z } from 'zod';
import { readEnvironment } from './environment.ts';

const schema = z.object({ TABLE: z.string(), DAYS: z.coerce.number().int() });

test('the environment is what its schema makes of it', () => {
  expect(readEnvironment(schema, { TABLE: 'readings', DAYS: '30', OTHER: 'x' })).toEqual({
    TABLE: 'readings',
    DAYS: 30,
  });
});

test('what is missing or wrong is named, and no value is told', () => {
  const read = () => readEnvironment(schema, { DAYS: 'secret' });
  expect(read).toThrow(/TABLE/);
  expect(read).toThrow(/DAYS/);
  expect(read).not.toThrow(/secret/);
});
