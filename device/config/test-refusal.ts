import { expect } from 'vitest';
import { AppError } from '../platform/errors.ts';
import { type ConfigLayers, loadConfig } from './load.ts';

/** The sentence with which a configuration is refused; fails where it is taken. */
export async function refusal(layers: ConfigLayers): Promise<string> {
  const outcome: unknown = await loadConfig(layers).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof AppError)) throw new Error('the configuration was taken', { cause: outcome });
  expect(outcome.reason).toBe('bad-configuration');
  return outcome.message;
}
