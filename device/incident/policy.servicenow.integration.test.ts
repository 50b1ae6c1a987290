import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AnomalyMessage } from '../anomaly/anomaly.ts';
import { configSchema } from '../config/schema.ts';
import { type Harness, startHarness, startMs, turn } from '../handler/handler-harness.ts';
import { silentLogger } from '../platform/logger.ts';
import { isoUtc, type ManualTime, manualTime, systemTime } from '../platform/time.ts';
import { type ServiceNow, startServiceNow } from '../simulation/servicenow/start-servicenow.ts';
import { testClient } from '../simulation/servicenow/test-client.ts';
import type { IncidentDestination } from './destination.ts';
import { createServiceNow } from './servicenow/client.ts';

/**
 * The policy's table, row by row: the handler with the real client against the local ServiceNow on a port, and people who
 * work on the incident over the Table API under their own name. What the record is afterwards is read from the instance.
 */

const password = 'canary-edge';
const annPassword = 'canary-ann';
const minuteMs = 60_000;
const settleMs = 5_000;
const noteIntervalMs = 2 * minuteMs;
const quietMs = 10 * minuteMs;
const reopenWindowMs = 60 * minuteMs;

let clock: ManualTime;
let serviceNow: ServiceNow;
let h: Harness;
let client: IncidentDestination;

beforeAll(async () => {
  clock = manualTime(startMs);
  serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', time: clock, logger: silentLogger });
  serviceNow.addUser({ userName: 'edge', password, roles: ['itil'] });
  serviceNow.addUser({ userName: 'ann', password: annPassword, roles: ['itil', 'admin'] });
});
afterEach(async () => {
  await h.close();
  await client.close();
  serviceNow.faults.clear();
  serviceNow.reset();
});
afterAll(() => serviceNow.stop());

/** A handler past its first settle time, that knows an incident of another key, and the breach that is looked at. */
async function begin(): Promise<AnomalyMessage> {
  client = createServiceNow(
    { ...configSchema.parse({}).serviceNow, url: serviceNow.url },
    {
      secrets: {
        kind: 'test',
        get: async () => ({ ok: true, credentials: { username: 'edge', password }, version: '1' }),
      },
      logger: silentLogger,
      time: systemTime,
    },
  );
  h = await startHarness(
    (config) => {
      config.handler.quietMs = quietMs;
      config.handler.noteIntervalMs = noteIntervalMs;
      config.handler.reopenWindowMs = reopenWindowMs;
      config.delivery.settleMs = settleMs;
    },
    { destination: () => client },
  );
  await pass(settleMs);
  h.anomaly({ metric: 'anchor' });
  await pass(0);
  return h.anomaly();
}

/** Moves all clocks on, and lets everything that is due be told before the next step. */
async function pass(ms: number): Promise<void> {
  let left = ms;
  do {
    const stepMs = Math.min(left, 30_000);
    left -= stepMs;
    h.time.advance(stepMs);
    clock.advance(stepMs);
    h.heartbeat();
    await h.settle();
    await h.handler.idle();
    await h.settle();
  } while (left > 0);
}

async function update(fired: AnomalyMessage): Promise<void> {
  const { firingSequence, startedAt } = fired;
  await pass(noteIntervalMs);
  h.anomaly({ phase: 'updated', firingSequence, startedAt });
  await pass(0);
}

async function recover(fired: AnomalyMessage): Promise<void> {
  const { firingSequence, startedAt } = fired;
  const endedAt = isoUtc(h.time.wallMs());
  h.anomaly({ phase: 'resolved', firingSequence, startedAt, endedAt, endReason: 'cleared' });
  await pass(0);
}

const key = 'home/pi/temperature/upper';
const rows = () => serviceNow.rows('incident').filter((row) => row['correlation_id'] === key);

function first() {
  const [row] = rows();
  return row ?? expect.unreachable('there is no incident');
}

/** Work notes that the edge wrote to an incident, the oldest first. */
function notesOf(sysId: string | undefined): string[] {
  return serviceNow
    .rows('sys_journal_field')
    .filter((row) => row['element_id'] === sysId && row['element'] === 'work_notes' && row['sys_created_by'] === 'edge')
    .map((row) => row['value'] ?? '');
}

async function asPerson(method: 'PATCH' | 'DELETE', fields?: Record<string, string>, userName = 'ann'): Promise<void> {
  const as = { userName, password: userName === 'ann' ? annPassword : password };
  const path = `/api/now/table/incident/${first()['sys_id']}`;
  const reply = await testClient(serviceNow)(method, path, fields === undefined ? { as } : { as, body: fields });
  expect(reply.status).toBe(method === 'DELETE' ? 204 : 200);
}

const closing = { close_code: 'Solved (Permanently)', close_notes: 'replaced the fan' };
const group = 'b'.repeat(32);

/** What people do; `by us` is what an earlier life of this handler did. */
const deeds = {
  New: async () => {},
  'In Progress': () => asPerson('PATCH', { state: '2' }),
  'On Hold': () => asPerson('PATCH', { state: '3', hold_reason: '1' }),
  'Resolved by us': (fired: AnomalyMessage) =>
    asPerson('PATCH', { state: '6', ...closing, close_notes: `Recovered\n\n[${fired.id}:${fired.sequence}]` }, 'edge'),
  'Resolved by a person': () => asPerson('PATCH', { state: '6', ...closing }),
  Closed: () => asPerson('PATCH', { state: '7', ...closing }),
  Canceled: () => asPerson('PATCH', { state: '8' }),
  deleted: () => asPerson('DELETE'),
  reassigned: () => asPerson('PATCH', { assignment_group: group, assigned_to: 'c'.repeat(32) }),
} as const;
type Deed = keyof typeof deeds;

/** State of the incident in the end, `none` where it is gone; and what the edge wrote to it after the deed. */
type Expected = readonly [state: string, wrote: readonly RegExp[]];

const again = /^Breaching again/;
const still = /^Still breaching/;
const recovered = /^Recovered/;

/** What people wrote stays, whatever else happens to the incident. */
function expectTheirs(deed: Deed, state: string): void {
  const row = first();
  if (deed === 'reassigned') expect(row).toMatchObject({ assignment_group: group, assigned_to: 'c'.repeat(32) });
  if ((deed === 'Resolved by a person' && state === '6') || deed === 'Closed') expect(row).toMatchObject(closing);
  if (deed === 'On Hold') expect(row['hold_reason']).toBe('1');
}

async function expectAfter(deed: Deed, before: number, [state, wrote]: Expected): Promise<void> {
  if (state === 'none') {
    expect(rows()).toEqual([]);
    return;
  }
  expect(rows()).toHaveLength(1);
  expect(first()['state']).toBe(state);
  expectTheirs(deed, state);
  const notes = notesOf(first()['sys_id']).slice(before);
  expect(notes).toHaveLength(wrote.length);
  for (const [index, pattern] of wrote.entries()) expect(notes[index]).toMatch(pattern);
}

/** Does the deed; answers how many notes the edge had written before. */
async function doDeed(deed: Deed, fired: AnomalyMessage): Promise<number> {
  const before = notesOf(first()['sys_id']).length;
  await deeds[deed](fired);
  return before;
}

const nothingMore = () => expect(h.handler.status().counts).toMatchObject({ dead: 0, rejected: 0 });

describe('it still breaches (update)', () => {
  test.each<[Deed, ...Expected]>([
    ['New', '1', [still]],
    ['In Progress', '2', [still]],
    ['On Hold', '3', [still]],
    ['Resolved by us', '2', [again]],
    ['Resolved by a person', '6', []],
    ['Closed', '7', []],
    ['Canceled', '8', []],
    ['deleted', 'none', []],
    ['reassigned', '1', [still]],
  ])('%s → %s', async (deed, ...expected) => {
    const fired = await begin();
    await pass(0);
    const before = await doDeed(deed, fired);
    await update(fired);
    await expectAfter(deed, before, expected);
    if (deed === 'Resolved by us') expect(first()['close_notes']).toBe('');
    // What people ended stays ended for as long as it lasts, whatever else is told of it.
    if (expected[1].length > 0) return;
    await update(fired);
    await recover(fired);
    await pass(quietMs + minuteMs);
    const told: Expected = deed === 'Resolved by a person' ? ['6', [recovered]] : [expected[0], []];
    await expectAfter(deed, before, told);
    nothingMore();
  });
});

describe('it has ended (recover)', () => {
  test.each<[Deed, ...Expected]>([
    ['New', '1', [recovered]],
    ['In Progress', '2', [recovered]],
    ['On Hold', '3', [/^Recovered.*The incident is on hold and is left so\./s]],
    ['Resolved by us', '6', [recovered]],
    ['Resolved by a person', '6', [recovered]],
    ['Closed', '7', []],
    ['Canceled', '8', []],
    ['deleted', 'none', []],
    ['reassigned', '1', [recovered]],
  ])('%s → %s', async (deed, ...expected) => {
    const fired = await begin();
    await pass(0);
    const before = await doDeed(deed, fired);
    await recover(fired);
    await expectAfter(deed, before, expected);
    nothingMore();
  });
});

describe('its quiet period is over (resolve)', () => {
  test.each<[Deed, ...Expected]>([
    ['New', '6', []],
    ['In Progress', '6', []],
    ['On Hold', '3', []],
    ['Resolved by us', '6', []],
    ['Resolved by a person', '6', []],
    ['Closed', '7', []],
    ['Canceled', '8', []],
    ['deleted', 'none', []],
    ['reassigned', '6', []],
  ])('%s → %s', async (deed, ...expected) => {
    const fired = await begin();
    await pass(0);
    await recover(fired);
    const before = await doDeed(deed, fired);
    const left = rows()[0]?.['sys_mod_count'];
    await pass(quietMs + minuteMs);
    await expectAfter(deed, before, expected);
    const isOurs = deed === 'New' || deed === 'In Progress' || deed === 'reassigned';
    if (isOurs) expect(first()['close_notes']).toContain(`[${fired.id}:2]`);
    else expect(rows()[0]?.['sys_mod_count']).toBe(left);
    nothingMore();
  });
});

describe('its key breaches anew (open)', () => {
  /** State of the earlier incident, what was written to it, and whether there is a new one. */
  test.each<[Deed, ...Expected, 'same' | 'new']>([
    ['New', '1', [again], 'same'],
    ['In Progress', '2', [again], 'same'],
    ['On Hold', '3', [again], 'same'],
    ['Resolved by us', '2', [again], 'same'],
    ['Resolved by a person', '2', [again], 'same'],
    ['Closed', '7', [], 'new'],
    ['Canceled', '8', [], 'new'],
    ['deleted', '1', [], 'new'],
    ['reassigned', '1', [again], 'same'],
  ])('%s → %s', async (deed, state, wrote, which) => {
    const fired = await begin();
    await pass(0);
    await recover(fired);
    const before = await doDeed(deed, fired);
    const earlier = rows()[0]?.['number'];
    const anew = h.anomaly();
    await pass(0);
    if (which === 'same') {
      await expectAfter(deed, before, [state, wrote]);
    } else {
      expect(rows()).toHaveLength(earlier === undefined ? 1 : 2);
      const made = rows().at(-1);
      expect(made).toMatchObject({ state: '1', correlation_display: anew.id });
      if (earlier !== undefined) {
        expect(first()['state']).toBe(state);
        expectTheirs(deed, state);
        expect(made?.['description']).toContain(`Follows ${earlier} (${state === '7' ? 'closed' : 'canceled'}).`);
      }
    }
    nothingMore();
  });

  test.each<Deed>(['Resolved by us', 'Resolved by a person'])(
    '%s before the reopen window → a new one',
    async (deed) => {
      const fired = await begin();
      await pass(0);
      await recover(fired);
      await doDeed(deed, fired);
      await pass(reopenWindowMs + minuteMs);
      h.anomaly();
      await pass(0);
      expect(rows().map((row) => row['state'])).toEqual(['6', '1']);
      expect(rows()[1]?.['description']).toContain(`Follows ${first()['number']} (resolved).`);
    },
  );
});

describe('its incident was made, but the answer was lost (open, looked up again)', () => {
  test.each<[Deed, ...Expected]>([
    ['New', '1', []],
    ['In Progress', '2', []],
    ['On Hold', '3', []],
    ['Resolved by us', '2', [again]],
    ['Resolved by a person', '6', []],
    ['Closed', '7', []],
    ['Canceled', '8', []],
    ['deleted', '1', []],
    ['reassigned', '1', []],
  ])('%s → %s', async (deed, ...expected) => {
    serviceNow.faults.add({ kind: 'commit-then-cut', match: { method: 'POST', bodyIncludes: key }, count: 1 });
    const fired = await begin();
    // The clock stands still until the deed is done, so the look-up that follows the settle time comes after it.
    while (rows().length === 0 || h.handler.status().relay.inFlight > 0) await turn();
    const before = await doDeed(deed, fired);
    const sysId = rows()[0]?.['sys_id'];
    await pass(settleMs + 1);
    if (deed === 'deleted') {
      expect(rows()).toMatchObject([{ state: '1', correlation_display: fired.id }]);
      expect(first()['sys_id']).not.toBe(sysId);
    } else await expectAfter(deed, before, expected);
    expect(h.handler.breach(fired.id)?.place).toBe(
      ['Resolved by a person', 'Closed', 'Canceled'].includes(deed) ? 'released' : 'attached',
    );
    nothingMore();
  });
});
