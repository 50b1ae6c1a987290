import type { AnomalyMessage } from '../../device/anomaly/anomaly.ts';
import { incidentTexts } from '../../device/incident/texts.ts';
import { createLogins } from '../../device/outbox/logins.ts';
import { createTeller } from '../../device/outbox/tell.ts';
import { manualTime } from '../../device/platform/time.ts';
import { createMemoryDestination } from '../../device/simulation/memory-destination.ts';
import { createOpenerService } from './opener-service.ts';
import { anomaly, startMs } from './test-messages.ts';
import { memoryStore } from './test-opener-store.ts';

export const settleMs = 90_000;
export const quietMs = 300_000;
const policy = {
  ...{ quietMs, noteIntervalMs: 0, onRecovery: 'resolve' as const },
  ...{ reopenWindowMs: 3_600_000, maxNewPerHour: 100, settleMs },
  ...{ backoffBaseMs: 1_000, backoffCapMs: 10_000, pauseMs: 300_000, timeoutMs: 1_000 },
};

/** The opener, a table of incidents and a clock. Each call is a function of its own, as in Lambda. */
export async function stage(change: Partial<typeof policy> = {}) {
  const time = manualTime(startMs + 60_000);
  const table = createMemoryDestination(time);
  const store = memoryStore();
  const dead: string[] = [];
  const pauses: string[] = [];
  const leftOut: string[] = [];
  const complaints: string[] = [];
  const set = { ...policy, ...change };
  const call = () => {
    const logins = createLogins(table);
    const teller = createTeller({
      destination: table,
      texts: incidentTexts({ timeZone: 'UTC', clock: time }),
      closeCode: 'Solution provided',
      chart: undefined,
      held: { heldUnlisted: () => [], markListed: () => undefined },
    });
    return createOpenerService(
      {
        ...{ store, destination: table, teller, policy: set, nowMs: time.wallMs, random: () => 0.5 },
        isLoginRenewed: () => logins.isRenewed(logins.current()),
        deadlineMs: Infinity,
        onDead: async (_occurrence, entry, reason) => void dead.push(`${entry.kind}: ${reason}`),
        onLeftOut: async ({ id }) => void leftOut.push(id),
        onTold: () => undefined,
        onPaused: (reason) => void pauses.push(reason),
      },
      set,
    );
  };
  const opener = {
    ...{ time, table, store, dead, pauses, leftOut, complaints, call },
    take: (message: AnomalyMessage) => call().take(message),
    /** Lets time pass, with the function that runs each minute. */
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= 60_000) {
        time.advance(Math.min(60_000, left));
        await call()
          .tellDue()
          .catch((error: unknown) => {
            if (!(error instanceof AggregateError)) throw error;
            complaints.push(error.message);
          });
      }
    },
    /** Of a key, those that were not canceled. */
    rows: () => table.rows.filter(({ state }) => state !== 'canceled'),
  };
  // Past the settle time of an empty store.
  await store.instance(time.wallMs());
  await opener.pass(settleMs);
  return opener;
}

export const fired = () => anomaly();
export const updated = () => anomaly({ phase: 'updated', firingSequence: 1, sequence: 2 });
export const resolved = () => anomaly({ phase: 'resolved', firingSequence: 1, sequence: 3 });
