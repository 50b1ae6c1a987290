import { z } from 'zod';
import { type FuzzResult, fuzz } from './fuzz.ts';
import { targets } from './targets.ts';

/** What this process is told to do, as its one argument. */
export const job = z.object({ target: z.string(), seed: z.number(), inputs: z.number() });

/** What it says: how far it is, then what came of it. */
export type Told = { tried: number } | { result: FuzzResult };

const { target: name, ...options } = job.parse(JSON.parse(process.argv[2] ?? ''));
const target = targets.find((one) => one.name === name);
if (target === undefined) throw new Error(`No parser is called "${name}".`);
const say = (told: Told) => process.send?.(told);
const result = await fuzz(target, { ...options, onProgress: (tried) => say({ tried }) });
say({ result });
process.disconnect();
