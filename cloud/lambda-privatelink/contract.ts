import { z } from 'zod';
import { namePart } from '../../device/reading/reading.ts';

/** What somebody in the plant's network asks, and the caller passes on. */
export const callRequest = z.object({
  deviceId: namePart.describe('Device that is asked about.'),
});

/** What the called function answers. */
export const callAnswer = z.object({
  deviceId: namePart,
  version: z.string().min(1).max(64).describe('Version of the function that answered, as its alias chose it.'),
});
export type CallAnswer = z.infer<typeof callAnswer>;

/** Name of the alias by which the function is called; the endpoint lets nobody call it by another. */
export const aliasName = 'live';

/** How a call is tried: `timeoutSeconds` is the function's and holds all tries, with what is waited between them. */
export const callLimits = { tries: 2, connectMs: 1_000, answerMs: 4_000, timeoutSeconds: 12 } as const;

/** More bytes than any answer has. */
export const largestAnswer = 8_000;
