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

/** More bytes than any answer has. */
export const largestAnswer = 8_000;
