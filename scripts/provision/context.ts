import type { Names, Place } from '../../cloud/greengrass/names.ts';
import { AppError } from '../../device/platform/errors.ts';
import type { Clients } from './clients.ts';

/** What steps are carried out with. */
export interface Context {
  clients: Clients;
  names: Names;
  place: Place;
  /** What AWS named, by a step or found before. */
  known: { certificate?: string; secret?: string };
  /** The value of the secret, asked for when a step needs it. */
  secretValue: () => Promise<string>;
  /** Rejects when the run is given up. */
  pause: (ms: number) => Promise<void>;
}

const attempts = 180;
const betweenMs = 2_000;

/**
 * AWS lets go of an attachment some seconds after it has said so, of a policy up to five minutes; until then what was
 * attached cannot be deleted. Source: IoT API Reference, DetachThingPrincipal and DeletePolicy.
 */
export async function onceLetGo(context: Context, call: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await call();
      return;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.reason === 'absent') return;
      const held = error.reason === 'in-use' || /still attached|attached to/.test(error.message);
      if (!held || attempt === attempts) throw error;
      await context.pause(betweenMs);
    }
  }
}

/** @throws AppError `bug`: a plan names what it needs before it needs it */
export function known(context: Context, what: keyof Context['known']): string {
  const value = context.known[what];
  if (value === undefined) throw new AppError('bug', `The plan needs the ${what} before it has one.`);
  return value;
}
