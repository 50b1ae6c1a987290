import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { AppError } from '../../device/platform/errors.ts';
import { account } from './clients.ts';

const outputsFile = z.record(z.string(), z.record(z.string(), z.string()));

/**
 * An output of a deployed stack: `output('StreamIngestionStack', 'TableName')`.
 * @throws AppError `no-output` naming what there is
 */
export function output(stack: string, name: string): string {
  const stacks = outputsFile.parse(JSON.parse(readFileSync(account.outputsFile, 'utf8')));
  const outputs = stacks[stack];
  if (outputs === undefined) {
    const deployed = Object.keys(stacks).join(', ') || 'none';
    throw new AppError('no-output', `${stack} is not deployed, or has no outputs; deployed with outputs: ${deployed}.`);
  }
  const value = outputs[name];
  if (value !== undefined) return value;
  throw new AppError('no-output', `${stack} has no output ${name}; it has ${Object.keys(outputs).join(', ')}.`);
}
