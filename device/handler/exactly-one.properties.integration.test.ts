import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AnomalyMessage, RollCallKey } from '../anomaly/anomaly.ts';
import { occurrenceId } from '../anomaly/identity.ts';
import type { IncidentDestination, IncidentRow } from '../incident/destination.ts';
import { namesOccurrence } from '../incident/incident-row.ts';
import { seededRandom } from '../platform/random.ts';
import { isoUtc, type ManualTime, sleep } from '../platform/time.ts';
import type { MemoryDestination, WriteFault } from '../simulation/memory-destination.ts';
import { type Harness, startHarness, turn } from './handler-harness.ts';

/**
 * Random schedules of breaches, lost messages and answers, cut and late writes, people, and crashes at any await point;
 * then all is well again, and every breach must be in exactly one incident, told once and to its end.
 * `SEED=7 RUNS=1000 npx vitest run device/handler/exactly-one` looks further.
 */

const metrics = ['temperature', 'humidity'] as const;
type Metric = (typeof metrics)[number];
const secondMs = 1_000;
const minuteMs = 60_000;

type Action =
  | { do: 'turn' | 'update'; metric: Metric }
  | { do: 'fault'; fault: WriteFault }
  | { do: 'read-fault' }
  | { do: 'edit'; row: number; change: 'resolved' | 'closed' | 'canceled' | 'on-hold' | 'in-progress' }
  | { do: 'crash'; turns: number }
  | { do: 'pass'; ms: number };

const metric = fc.constantFrom(...metrics);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('turn', 'turn', 'update'), metric }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('fault'),
      fault: fc.oneof(
        fc.constantFrom<WriteFault>('commit-then-cut', 'cut-before-commit'),
        fc.record({ commitAfterMs: fc.integer({ min: 1, max: 60 * secondMs }) }),
        fc.constantFrom<WriteFault>(
          { ok: false, kind: 'throttled', retryAfterMs: 20 * secondMs, message: '429' },
          { ok: false, kind: 'not-sent', message: 'connection refused' },
        ),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('read-fault') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('edit'),
      row: fc.nat(3),
      change: fc.constantFrom('resolved', 'closed', 'canceled', 'on-hold', 'in-progress'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('crash'), turns: fc.nat(6) }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.constantFrom(100, 5_000, 45_000, 6 * minuteMs) }),
  },
);

interface Breach {
  id: string;
  firingSequence: number;
  startedAt: string;
  endedAt: string | null;
}

/** One key of a monitor: one unanswered message at a time, sent again until it is answered. */
interface MonitorKey {
  metric: Metric;
  sequence: number;
  firing: Breach | undefined;
  unanswered: AnomalyMessage[];
}

/** Each request takes its time, so that a crash finds it before its commit, or between commit and answer. */
function slow(table: MemoryDestination, time: ManualTime, random: () => number): IncidentDestination {
  const wait = () => sleep(time, Math.floor(random() * 3) * 200);
  const slowly =
    <A extends unknown[], T>(request: (...values: A) => Promise<T>) =>
    async (...values: A) => {
      await wait();
      const answer = await request(...values);
      await wait();
      return answer;
    };
  return {
    ...table,
    credentialsVersion: table.credentialsVersion,
    find: slowly(table.find),
    findOpen: slowly(table.findOpen),
    create: slowly(table.create),
    update: slowly(table.update),
  };
}

async function play(actions: readonly Action[], seed: number): Promise<void> {
  const random = seededRandom(seed);
  const h = await startHarness(
    (config) => {
      config.handler.deviceSilentMs = 0;
      config.handler.quietMs = 5 * minuteMs;
      config.handler.noteIntervalMs = secondMs;
      config.handler.storm.keys = 1_000;
      config.delivery.backoffCapMs = 5 * secondMs;
    },
    { destination: (table, time) => slow(table, time, random) },
  );
  const keys: MonitorKey[] = metrics.map((name) => ({ metric: name, sequence: 0, firing: undefined, unanswered: [] }));
  const breaches: Breach[] = [];
  const touched = new Set<string>();
  let lossy = true;
  let answersRead = 0;

  function say(key: MonitorKey, breach: Breach, change: Partial<AnomalyMessage>): void {
    key.sequence += 1;
    const { metric, sequence } = key;
    const { firingSequence, startedAt } = breach;
    key.unanswered.push(h.message({ metric, sequence, firingSequence, startedAt, ...change }));
  }

  function speak(): void {
    for (const { unanswered } of keys) {
      const [first] = unanswered;
      if (first !== undefined && !(lossy && random() < 0.3)) h.send('IoTBlog/anomaly', first);
    }
  }

  function hear(): void {
    for (; answersRead < h.answers.length; answersRead += 1) {
      const answer = h.answers[answersRead];
      if (answer === undefined || (lossy && random() < 0.3)) continue;
      expect(answer.result).not.toBe('rejected');
      const key = keys.find((one) => one.metric === answer.metric);
      if (key?.unanswered[0]?.sequence === answer.sequence) key.unanswered.shift();
    }
  }

  function callTheRoll(): void {
    h.rollCall(
      keys.map((key): RollCallKey => {
        const { firing } = key;
        return {
          metric: key.metric,
          rule: 'upper',
          lastSequence: key.sequence,
          waiting: key.unanswered.length > 0,
          firing: firing === undefined ? null : { ...firingFields, ...pick(firing) },
        };
      }),
    );
  }

  async function pass(ms: number): Promise<void> {
    const end = h.time.monotonicMs() + ms;
    while (h.time.monotonicMs() < end) {
      speak();
      h.heartbeat();
      await turns(8);
      hear();
      const stepMs = Math.min(10 * secondMs, end - h.time.monotonicMs());
      const stepEnd = h.time.monotonicMs() + stepMs;
      for (let next = h.time.nextTimerAt(); next !== undefined && next <= stepEnd; next = h.time.nextTimerAt()) {
        h.time.advanceTo(next);
        await turns(4);
      }
      h.time.advanceTo(stepEnd);
    }
    await turns(8);
    hear();
  }

  async function act(step: Action): Promise<void> {
    switch (step.do) {
      case 'turn':
      case 'update': {
        const key = keys.find((one) => one.metric === step.metric);
        if (key === undefined) return;
        if (step.do === 'turn') {
          if (key.firing === undefined) breach(key);
          else recover(key, key.firing);
        } else if (key.firing !== undefined) {
          say(key, key.firing, { phase: 'updated', severity: random() < 0.5 ? 'high' : 'critical' });
        }
        return;
      }
      case 'fault':
        h.destination.writeFaults.push(step.fault);
        return;
      case 'read-fault':
        h.destination.readFaults.push({ ok: false, kind: 'ambiguous', message: 'timeout' });
        return;
      case 'edit': {
        const row = h.destination.rows[step.row];
        if (row === undefined) return;
        // Where people have decided on the state, it is theirs; taking work up changes nothing for us.
        if (step.change !== 'in-progress' || row.state !== 'new') touched.add(row.sysId);
        h.destination.edit(row.number, {
          state: step.change,
          ...(step.change === 'resolved' ? { closeNotes: 'mine' } : {}),
        });
        return;
      }
      case 'crash':
        speak();
        await turns(step.turns);
        await h.crash();
        callTheRoll();
        return;
      case 'pass':
        return pass(step.ms);
    }
  }

  function breach(key: MonitorKey): void {
    const firingSequence = key.sequence + 1;
    const name = { site: 'home', deviceId: 'pi', metric: key.metric, rule: 'upper' } as const;
    const id = occurrenceId(h.installationId, name, firingSequence);
    key.firing = { id, firingSequence, startedAt: isoUtc(h.time.wallMs()), endedAt: null };
    breaches.push(key.firing);
    say(key, key.firing, {});
  }

  function recover(key: MonitorKey, breach: Breach): void {
    breach.endedAt = isoUtc(h.time.wallMs());
    key.firing = undefined;
    say(key, breach, { phase: 'resolved', endedAt: breach.endedAt, endReason: 'cleared' });
  }

  try {
    await pass(100 * secondMs);
    for (const step of actions) await act(step);
    lossy = false;
    h.destination.writeFaults.length = 0;
    h.destination.readFaults.length = 0;
    await pass(8 * minuteMs);
    callTheRoll();
    await pass(2 * minuteMs);
    check(h, breaches, touched, keys);
  } finally {
    await h.close();
  }
}

const firingFields = { severity: 'high', unit: '°C', value: 31, limit: 30, deadband: 0.5, peak: 32, text: '' } as const;

function pick({ id, firingSequence, startedAt }: Breach) {
  return { id, firingSequence, startedAt };
}

async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await turn();
}

function check(
  h: Harness,
  breaches: readonly Breach[],
  touched: ReadonlySet<string>,
  keys: readonly MonitorKey[],
): void {
  const { rows } = h.destination;
  expect(h.handler.status().counts).toMatchObject({ entries: 0, dead: 0, rejected: 0 });
  expect(keys.flatMap((key) => key.unanswered)).toEqual([]);
  for (const breach of breaches) {
    const incidents = rows.filter((row) => namesOccurrence(row, breach.id));
    expect(rows.filter((row) => row.openedBy === breach.id).length).toBeLessThanOrEqual(1);
    expect(incidents.map((row) => row.number)).toHaveLength(1);
    const [incident] = incidents;
    if (incident === undefined || touched.has(incident.sysId)) continue;
    const line = `breach ${breach.id} start=${breach.startedAt} end=${breach.endedAt ?? '-'}`;
    expect(`${incident.description}\n${incident.workNotes}\n${incident.closeNotes}`).toContain(line);
  }
  for (const row of rows) {
    checkMarkers(row);
    if (touched.has(row.sysId)) continue;
    const fires = breaches.some((breach) => breach.endedAt === null && namesOccurrence(row, breach.id));
    expect([row.number, row.state === 'resolved']).toEqual([row.number, !fires]);
  }
}

/** Notes are newest first: sequences go down, and none stands there twice. */
function checkMarkers(row: IncidentRow): void {
  const sequences = [...row.workNotes.matchAll(/\[[0-9a-f]{32}:(\d+)\]/g)].map(([, sequence]) => Number(sequence));
  expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => b - a));
}

test('every breach is in exactly one incident, told once, in order and to its end', { timeout: 60_000 }, async () => {
  const schedule = fc.tuple(fc.array(action, { minLength: 15, maxLength: 40, size: 'max' }), fc.nat());
  await fc.assert(
    fc.asyncProperty(schedule, ([actions, seed]) => play(actions, seed)),
    { seed: Number(process.env['SEED'] ?? 20_260_301), numRuns: Number(process.env['RUNS'] ?? 80) },
  );
});
