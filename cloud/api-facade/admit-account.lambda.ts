import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { admitAccount } from './admit-account.ts';

const { DOMAINS } = readEnvironment(z.object({ DOMAINS: z.string().transform((text) => text.split(',')) }));

/** Asked by the user pool before it takes somebody in. */
export async function handler(event: unknown): Promise<unknown> {
  return admitAccount(event, DOMAINS);
}
