import type { FaultInput } from '../../../device/simulation/servicenow/faults.ts';
import { eventually, pause } from './eventually.ts';
import type { Account } from './round.ts';
import type { World } from './world.ts';

const longestOpeningMs = 15_000;
const firesWithinMs = 10_000;
/** The edge comes to the incident meanwhile, with a note or a recovery. */
const edgeSeesMs = 1_000;

/** The connection is cut and the write done, before or after it; so late that the components have long asked again. */
export async function cutTwin({ serviceNow: { faults } }: World, account: Account): Promise<void> {
  const kinds = ['commit-then-cut', 'cut-then-commit'] as const;
  const fired = () => kinds.reduce((sum, kind) => sum + faults.fired(kind), 0);
  const before = fired();
  faults.add({ kind: 'commit-then-cut', probability: 0.3 });
  faults.add({ kind: 'cut-then-commit', probability: 0.4, delayMs: 700 });
  await eventually(() => fired() - before >= 4, 8_000);
  faults.clear();
  account.strikes += fired() - before;
}

/** All else that an instance is known to do to its clients, by its name in the table of a run. */
export const otherFaults: Readonly<Record<string, FaultInput>> = {
  'is cut before it commits': { kind: 'cut-before-commit', probability: 0.5 },
  'answers 500': { kind: 'status', status: 500, probability: 0.4 },
  'answers 503': { kind: 'status', status: 503, probability: 0.4 },
  'limits the rate': { kind: 'status', status: 429, retryAfterSeconds: 1, limitPerHour: 1_000, probability: 0.5 },
  'is slow': { kind: 'slow', delayMs: 2_500, probability: 0.2 },
  hibernates: { kind: 'hibernate', probability: 0.4 },
  'lets nobody read': { kind: 'create-without-read' },
  'drops parts of queries': { kind: 'drop-query-parts', probability: 0.4 },
  'cuts its answers short': { kind: 'truncated-body', probability: 0.4 },
  'answers no JSON': { kind: 'malformed-body', probability: 0.4 },
  'refuses by data policy': { kind: 'data-policy', count: 2 },
  'refuses by business rule': { kind: 'business-rule', count: 2 },
  'lets tokens expire': { kind: 'expire-token', probability: 0.4 },
};

export function instanceErrs(fault: FaultInput) {
  return async (world: World, account: Account): Promise<void> => {
    const { components, serviceNow, signInByToken } = world;
    if (fault.kind === 'expire-token') {
      await signInByToken();
      await components.handler.kill();
      components.handler.start();
    }
    const { faults } = serviceNow;
    const before = faults.fired(fault.kind);
    const fired = () => faults.fired(fault.kind) - before;
    faults.add(fault);
    await eventually(() => fired() >= 2, firesWithinMs);
    await pause(500);
    faults.clear();
    account.strikes += fired();
    if (fired() === 0)
      account.findings.push({ invariant: 'the fault strikes', what: `"${fault.kind}" never came about` });
  };
}

/** On the instance first, as it is done; the edge learns of it while breaches come and go. */
export async function rotateCredentials(world: World, account: Account): Promise<void> {
  await pause(500 + world.random() * 500);
  const { tellEdge } = world.rotate();
  await pause(world.random() * 1_500);
  await tellEdge();
  account.strikes += 1;
  await pause(1_000);
}

const closing = { close_code: 'Solved (Permanently)', close_notes: 'Done by hand.' };
/** What people do to an incident, and what must be left of it. */
const deeds: readonly Readonly<Record<string, string>>[] = [
  { state: '6', ...closing },
  { state: '7', ...closing },
  { state: '8', ...closing },
  { state: '3', hold_reason: '1' },
  { assigned_to: 'admin' },
];

/** Incidents of breaches that last are resolved, closed, canceled, put on hold, reassigned. */
export async function people(world: World, account: Account): Promise<void> {
  const { random, serviceNow, waves } = world;
  const done = new Set<string>();
  for (let turn = 0; turn < 2; turn += 1) {
    const open = () =>
      serviceNow.rows('incident').find((row) => row['state'] === '1' && !done.has(row['sys_id'] ?? ''));
    if (!(await eventually(() => waves.isHot() && open() !== undefined, longestOpeningMs))) return;
    const sysId = open()?.['sys_id'] ?? '';
    const deed = deeds[Math.floor(random() * deeds.length)] ?? {};
    done.add(sysId);
    if (!(await patch(world, sysId, deed))) continue;
    account.strikes += 1;
    const { state, assigned_to: assignedTo } = serviceNow.rows('incident').find((row) => row['sys_id'] === sysId) ?? {};
    account.decided.set(sysId, {
      ...('state' in deed && state !== undefined ? { state } : {}),
      ...('assigned_to' in deed && assignedTo !== undefined ? { assigned_to: assignedTo } : {}),
    });
    await pause(edgeSeesMs);
  }
}

async function patch({ serviceNow }: World, sysId: string, fields: Readonly<Record<string, string>>): Promise<boolean> {
  const { url, credentials } = serviceNow;
  const user = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
  const answer = await fetch(`${url}/api/now/table/incident/${sysId}`, {
    method: 'PATCH',
    headers: { authorization: `Basic ${user}`, 'content-type': 'application/json' },
    body: JSON.stringify(fields),
  });
  await answer.arrayBuffer();
  return answer.ok;
}

/** What people left on hold is closed, so that later rounds begin with nothing open. */
export async function closeHeld(world: World): Promise<void> {
  const held = world.serviceNow.rows('incident').filter((row) => row['state'] === '3');
  for (const row of held) await patch(world, row['sys_id'] ?? '', { state: '7', ...closing });
}
