import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AnomalyMessage } from '../anomaly/anomaly.ts';
import type { DestinationFailure } from '../incident/destination.ts';
import { namesOccurrence } from '../incident/incident-row.ts';
import { isoUtc } from '../platform/time.ts';
import { type Harness, startHarness } from './handler-harness.ts';

/**
 * Any sequence of breaches, updates, recoveries, silences, their ends, restarts, crashes and outages of the instance:
 * a breach is in an incident if, and only if, at some moment it fired unsilenced while the instance could be told, or was
 * over before a silence came; its true start stands there, and while a silence covers it nothing is told but its end.
 */

const metrics = ['temperature', 'humidity'] as const;
type Metric = (typeof metrics)[number];
const minuteMs = 60_000;

type Action =
  | { do: 'turn' | 'update'; metric: Metric }
  | { do: 'silence'; metric: Metric | null; forMs: number }
  | { do: 'end-silence'; which: number }
  | { do: 'restart' | 'crash' | 'away' | 'back' }
  | { do: 'pass'; ms: number };

const metric = fc.constantFrom(...metrics);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('turn', 'turn', 'update'), metric }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('silence'),
      metric: fc.constantFrom(...metrics, null),
      forMs: fc.constantFrom(minuteMs, 4 * minuteMs, 20 * minuteMs),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('end-silence'), which: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('restart', 'crash', 'away', 'back') }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.constantFrom(minuteMs, 3 * minuteMs, 9 * minuteMs) }),
  },
);

interface Breach {
  fired: AnomalyMessage;
  metric: Metric;
  endedAt: string | null;
  /** What must become of it, as far as is known. */
  fate: 'open' | 'told' | 'recorded only';
}

const away: DestinationFailure = { ok: false, kind: 'not-sent', message: 'connection refused' };

async function play(actions: readonly Action[]): Promise<void> {
  let isAway = false;
  const unlessAway =
    <A extends unknown[], T>(request: (...values: A) => Promise<T>) =>
    async (...values: A): Promise<T | DestinationFailure> =>
      isAway ? away : request(...values);
  const h = await startHarness(
    (config) => {
      config.handler.deviceSilentMs = 0;
      config.handler.quietMs = 5 * minuteMs;
      config.handler.noteIntervalMs = minuteMs;
      config.handler.storm.keys = 1_000;
      config.delivery.settleMs = 1_000;
      config.delivery.pauseMs = 2_000;
      config.delivery.backoffCapMs = 2_000;
    },
    {
      destination: (table) => ({
        ...table,
        credentialsVersion: table.credentialsVersion,
        find: unlessAway(table.find),
        create: unlessAway(table.create),
        update: unlessAway(table.update),
      }),
    },
  );
  const breaches: Breach[] = [];
  const firing = (name: Metric) => breaches.find((one) => one.metric === name && one.endedAt === null);
  const isSilenced = (name: Metric) => h.handler.silences().some((one) => one.metric === null || one.metric === name);

  /** What the instance has heard by now. */
  function judge(): void {
    if (isAway) return;
    for (const breach of breaches) {
      if (breach.fate === 'open' && (breach.endedAt !== null || !isSilenced(breach.metric))) breach.fate = 'told';
    }
  }

  async function act(step: Action): Promise<void> {
    switch (step.do) {
      case 'turn': {
        const breach = firing(step.metric);
        if (breach === undefined) {
          breaches.push({
            fired: h.anomaly({ metric: step.metric }),
            metric: step.metric,
            endedAt: null,
            fate: 'open',
          });
          return;
        }
        breach.endedAt = isoUtc(h.time.wallMs());
        if (breach.fate === 'open' && isSilenced(step.metric)) breach.fate = 'recorded only';
        const { firingSequence, startedAt } = breach.fired;
        const over = { phase: 'resolved', endedAt: breach.endedAt, endReason: 'cleared' } as const;
        h.anomaly({ metric: step.metric, firingSequence, startedAt, ...over });
        return;
      }
      case 'update': {
        const breach = firing(step.metric);
        if (breach === undefined) return;
        const { firingSequence, startedAt } = breach.fired;
        h.anomaly({ metric: step.metric, firingSequence, startedAt, phase: 'updated', severity: 'critical' });
        return;
      }
      case 'silence':
        h.handler.silence({
          author: 'Ann',
          reason: 'tests',
          metric: step.metric,
          untilMs: h.time.wallMs() + step.forMs,
        });
        return;
      case 'end-silence': {
        const silence = h.handler.silences()[step.which];
        if (silence !== undefined) h.handler.endSilence(silence.id);
        return;
      }
      case 'restart':
        return h.restart();
      case 'crash':
        return h.crash();
      case 'away':
        isAway = true;
        return;
      case 'back':
        isAway = false;
        return h.pass(10_000);
      case 'pass':
        return h.pass(step.ms, 20_000);
    }
  }

  /** While a silence covers a breach from begin to end of a step, nothing is told of it. */
  async function watched(step: Action): Promise<void> {
    const held = breaches.filter((one) => one.endedAt === null && isSilenced(one.metric));
    const before = held.map((one) => notesOf(h, one));
    await act(step);
    await h.pass(10_000);
    judge();
    held.forEach((one, index) => {
      if (one.endedAt === null && isSilenced(one.metric)) expect(notesOf(h, one)).toBe(before[index]);
    });
  }

  try {
    await h.pass(2_000);
    for (const step of actions) await watched(step);
    isAway = false;
    await h.pass(30 * minuteMs, minuteMs);
    judge();
    check(h, breaches);
  } finally {
    await h.close();
  }
}

/** How many notes tell of a breach. */
function notesOf(h: Harness, { fired }: Breach): number {
  return h.destination.rows.reduce((sum, row) => sum + row.workNotes.split(`[${fired.id}:`).length - 1, 0);
}

function check(h: Harness, breaches: readonly Breach[]): void {
  expect(h.handler.silences()).toEqual([]);
  expect(h.handler.status().counts).toMatchObject({ entries: 0, dead: 0, silenced: 0, silences: 0 });
  for (const { fired, endedAt, fate } of breaches) {
    const incidents = h.destination.rows.filter((row) => namesOccurrence(row, fired.id));
    expect([fired.id, incidents.length]).toEqual([fired.id, fate === 'told' ? 1 : 0]);
    const [incident] = incidents;
    if (incident === undefined) continue;
    const line = `breach ${fired.id} start=${fired.startedAt} end=${endedAt ?? '-'}`;
    expect(`${incident.description}\n${incident.workNotes}`).toContain(line);
    if (endedAt === null) expect(incident.state).not.toBe('resolved');
  }
}

test('a silence holds back, and loses nothing', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 8, maxLength: 25, size: 'max' }), (actions) => play(actions)),
    { seed: Number(process.env['SEED'] ?? 20_260_301), numRuns: Number(process.env['RUNS'] ?? 60) },
  );
});
