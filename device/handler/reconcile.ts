import { type AnomalyMessage, type RollCallKey, rules } from '../anomaly/anomaly.ts';
import { correlationId, occurrenceId } from '../anomaly/identity.ts';
import type { IncidentRow } from '../incident/destination.ts';
import { isOpen, lastEnded, lastSequenceTold, namesOccurrence, unendedBreaches } from '../incident/incident-row.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { isoUtc } from '../platform/time.ts';
import { type Intake, isOwnRule } from './intake.ts';
import type { RollCall } from './roll-call.ts';
import type { HandlerStore } from './store.ts';

/**
 * Brings what the handler knows, and what the instance shows, in line with what a device says of itself; so either
 * side's store can be lost. Both functions run inside a transaction.
 */

/** A key whose monitor lags behind what the handler has accepted: a data directory that was restored, or cloned. */
export interface Lag {
  metric: string;
  rule: RollCallKey['rule'];
  lastSequence: number;
  highWater: number;
}

/** What a roll call says of the handler's own store. */
export function reconcileStore(
  call: RollCall,
  store: HandlerStore,
  intake: Intake,
  policy: { orphan: 'resolve' | 'note' },
): Lag[] {
  const lags: Lag[] = [];
  const byCorrelation = new Map<string, RollCallKey>();
  for (const key of call.keys) {
    // What the handler raises itself is not a monitor's to tell of.
    if (isOwnRule(key.rule)) continue;
    const { metric, rule, lastSequence } = key;
    const correlation = correlationId({ site: call.site, deviceId: call.deviceId, metric, rule });
    byCorrelation.set(correlation, key);
    const highWater = store.highWater(call, correlation);
    if (highWater > lastSequence) {
      lags.push({ metric, rule, lastSequence, highWater });
    } else if (!key.waiting) {
      if (lastSequence > highWater) store.setHighWater(call, correlation, lastSequence);
      if (
        key.firing !== null &&
        isGenuine(call, key, key.firing) &&
        store.occurrence(key.firing.id)?.phase !== 'firing'
      ) {
        intake.adopt(adopted(call, key, key.firing));
      }
    }
  }
  for (const occurrence of store.firing(call.site, call.deviceId)) {
    const { metric, rule, installationId } = occurrence.message;
    if (isOwnRule(rule)) continue;
    const key = byCorrelation.get(occurrence.correlationId);
    if (key?.firing?.id === occurrence.id || key?.waiting === true) continue;
    const highWater = installationId === call.installationId ? store.highWater(call, occurrence.correlationId) : 0;
    if (highWater > (key?.lastSequence ?? 0)) {
      // Told after the call was made; or the monitor has forgotten the key, and takes a new installation when it hears this.
      if (key === undefined) lags.push({ metric, rule, lastSequence: 0, highWater });
      continue;
    }
    intake.orphan(occurrence, call.atMs, policy.orphan);
  }
  return lags;
}

/**
 * What the instance's open rows of a device say that the store does not know: their breaches are ended. A row whose key
 * still has something to say is put off until a later call.
 */
export function reconcileRows(
  rows: readonly IncidentRow[],
  call: RollCall,
  store: HandlerStore,
  intake: Intake,
  policy: { orphan: 'resolve' | 'note' },
): 'done' | 'put off' {
  const byCorrelation = new Map(
    call.keys.map((key) => [
      correlationId({ site: call.site, deviceId: call.deviceId, metric: key.metric, rule: key.rule }),
      key,
    ]),
  );
  const outcomes = rows.filter(isOpen).map((row) => {
    const called = byCorrelation.get(row.correlationId);
    return reconcileRow(row, { rows, call, called, store, intake, policy });
  });
  return outcomes.includes('put off') ? 'put off' : 'done';
}

interface Walk {
  rows: readonly IncidentRow[];
  call: RollCall;
  /** What the call says of the row's key; undefined where nothing. */
  called: RollCallKey | undefined;
  store: HandlerStore;
  intake: Intake;
  policy: { orphan: 'resolve' | 'note' };
}

function reconcileRow(row: IncidentRow, walk: Walk): 'done' | 'put off' {
  const { rows, call, called, store, intake, policy } = walk;
  const firing = store.firingOf(row.correlationId);
  // Of all, for each is to be let go.
  if (firing.map((occurrence) => letGo(row, occurrence, walk)).includes('put off')) return 'put off';
  // What a storm goes on holding is told there: the incident is that of earlier breaches alone.
  const isHeld = firing.length > 0 && firing.every(({ id }) => store.occurrence(id)?.place === 'held');
  // What the call says fires may have ended while the walk had to wait.
  const fires = called?.firing != null && store.occurrence(called.firing.id)?.phase !== 'ended';
  // Another incident is that of what fires: this one tells of what is over.
  const home = rows.find((other) => firing.some(({ incident }) => incident?.sysId === other.sysId));
  const isOther = home !== undefined && home !== row;
  const goesOn = (fires || firing.length > 0) && !isHeld && !isOther;
  const key = called ?? keyOf(row.correlationId, call);
  const found = key && breachOf(row, call, key);
  if (called?.waiting === true || goesOn || store.entriesOf(row.correlationId).length > 0) {
    const others = rows.filter((other) => other !== row && isOpen(other) && other.correlationId === row.correlationId);
    // Two of a breach that is over are told of its end at once: by a later walk another breach may go on in each.
    const isTwin = (breach: string) => [row, ...others].filter(({ openedBy }) => openedBy === breach).length > 1;
    if (found !== undefined && isTwin(found.occurrence.id) && isForgotten(found, walk)) {
      store.putOccurrence(found.occurrence);
      intake.orphan(found.occurrence, call.atMs, 'note');
    }
    // Of several one is, or will be, that of what goes on; the others are not to be left open.
    return called?.waiting === true || (others.length > 0 && home !== row) ? 'put off' : 'done';
  }
  if (found !== undefined) {
    // A double is canceled by whoever tells of its breach; the incident that stays is not to be resolved.
    const orphan = isOther && namesOccurrence(home, found.occurrence.id) ? 'note' : policy.orphan;
    endIn(found, walk, orphan);
  }
  return 'done';
}

/**
 * Lets a storm's hold of a breach go where its key has an incident of its own; put off where what becomes of the breach is
 * not clear yet.
 */
function letGo(row: IncidentRow, occurrence: Occurrence, { store, intake }: Walk): 'done' | 'put off' {
  const isNamed = namesOccurrence(row, occurrence.id);
  // What a storm has listed, or lists while another breach's incident is about to be resolved, stays there, unless the
  // incident tells of it all the same.
  const isUnlisted = occurrence.toldSeverity === null && store.entriesOf(row.correlationId).length === 0;
  let outcome: 'done' | 'put off' = 'done';
  if (occurrence.place === 'held' && (isUnlisted || isNamed)) {
    if (!isNamed && (intake.isSilenced(occurrence.message) || mayBeListed(occurrence, store))) outcome = 'put off';
    else intake.letGo(occurrence);
  }
  const moved = store.occurrence(occurrence.id);
  if (moved?.place !== 'wanted' || moved.silence !== 'holds') return outcome;
  // At the end of the silence a storm may hold it, and nobody would know of this incident any more.
  if (!isNamed) return 'put off';
  // Held back, and told all the same before the store was lost: then its end is told, too.
  store.putOccurrence({ ...moved, place: 'attached', incident: { sysId: row.sysId, number: row.number } });
  return outcome;
}

/** Tells in its incident that a breach is over. */
function endIn(
  { occurrence, incident, ended }: Found,
  { call, store, intake }: Walk,
  orphan: 'resolve' | 'note',
): void {
  const known = store.occurrence(occurrence.id);
  if (known !== undefined) {
    // It ended under a silence, or in a storm, after the store that knew of its incident was lost.
    const isElsewhere = known.place === 'recorded' || known.place === 'held';
    const isUntold = known.phase === 'ended' && isElsewhere && known.message.opener === 'edge';
    if (isUntold && !ended) intake.tellEndIn(known, incident);
  } else if (call.opener === 'cloud') {
    // Its end is told by the cloud, which opened it.
  } else if (ended) {
    if (orphan === 'resolve') intake.resolveEnded(occurrence);
  } else {
    store.putOccurrence(occurrence);
    intake.orphan(occurrence, call.atMs, orphan);
  }
}

/** Whether its storm is being told, or was without an answer. */
function mayBeListed({ heldBy }: Occurrence, store: HandlerStore): boolean {
  const storm = heldBy === null ? undefined : store.occurrence(heldBy);
  return storm !== undefined && store.entriesOf(storm.correlationId).some(({ state }) => state === 'sending');
}

/** Whether an incident leaves a breach open that neither its device nor the store knows of. */
function isForgotten({ occurrence, ended }: Found, { call, called, store }: Walk): boolean {
  if (ended || called?.waiting === true || call.opener === 'cloud') return false;
  return called?.firing?.id !== occurrence.id && store.occurrence(occurrence.id) === undefined;
}

/** Prefix of the correlation ids of a device; of one with long names as much as its ids keep. */
export function devicePrefix({ site, deviceId }: { site: string; deviceId: string }): string {
  return `${encodeURIComponent(site)}/${encodeURIComponent(deviceId)}/`.slice(0, 67);
}

/** Whether the id of a breach in a call is the one that its key and installation give it. */
function isGenuine(call: RollCall, { metric, rule }: RollCallKey, firing: NonNullable<RollCallKey['firing']>): boolean {
  const key = { site: call.site, deviceId: call.deviceId, metric, rule };
  return firing.id === occurrenceId(call.installationId, key, firing.firingSequence);
}

function adopted(call: RollCall, key: RollCallKey, firing: NonNullable<RollCallKey['firing']>): AnomalyMessage {
  return {
    version: 1,
    ...identity(call),
    ...firing,
    metric: key.metric,
    rule: key.rule,
    sequence: Math.max(key.lastSequence, firing.firingSequence),
    phase: 'firing',
    opener: call.opener,
    endedAt: null,
    endReason: null,
    at: isoUtc(call.atMs),
    configVersion: '-',
    window: [],
    ...call.stamps,
  };
}

function identity(call: RollCall) {
  const { site, deviceId, installationId, installationCreatedAt } = call;
  return { site, deviceId, installationId, installationCreatedAt };
}

/** A breach as an incident alone tells of it. */
interface Found {
  occurrence: Occurrence;
  incident: NonNullable<Occurrence['incident']>;
  /** Whether the incident tells its end. */
  ended: boolean;
}

/**
 * The latest breach of an incident that has no end there, else the one that ended last, for its end is what the incident's
 * resolution tells.
 */
function breachOf(row: IncidentRow, call: RollCall, key: Pick<RollCallKey, 'metric' | 'rule'>): Found | undefined {
  const [unended] = unendedBreaches(row);
  const over = unended === undefined ? lastEnded(row) : undefined;
  const id = unended ?? over?.id;
  if (id === undefined) return undefined;
  const startedAt = new RegExp(`^breach ${id} start=(\\S+) `, 'm').exec(`${row.workNotes}\n${row.description}`)?.[1];
  const endedAtMs = over?.endedAtMs;
  const incident = { sysId: row.sysId, number: row.number };
  const occurrence: Occurrence = {
    id,
    correlationId: row.correlationId,
    phase: endedAtMs === undefined ? 'firing' : 'ended',
    place: 'attached',
    incident,
    toldSeverity: null,
    notedAtMs: call.atMs,
    updatesSinceNote: 0,
    heldBy: null,
    silence: 'none',
    message: {
      version: 1,
      id,
      ...identity(call),
      metric: key.metric,
      rule: key.rule,
      sequence: Math.max(lastSequenceTold(row, id), 1),
      firingSequence: 1,
      phase: endedAtMs === undefined ? 'firing' : 'resolved',
      opener: 'edge',
      severity: 'medium',
      unit: '',
      value: null,
      limit: null,
      deadband: null,
      peak: null,
      startedAt: startedAt !== undefined && !Number.isNaN(Date.parse(startedAt)) ? startedAt : isoUtc(row.createdAtMs),
      endedAt: endedAtMs === undefined ? null : isoUtc(endedAtMs),
      endReason: endedAtMs === undefined ? null : 'cleared',
      at: isoUtc(call.atMs),
      text: row.number,
      configVersion: '-',
      window: [],
      ...call.stamps,
    },
  };
  return { occurrence, incident, ended: endedAtMs !== undefined };
}

/**
 * Metric and rule of a correlation id of this device. A shortened id does not say them, and may be another device's
 * whose long name begins alike: it is left alone.
 */
function keyOf(correlation: string, call: RollCall): Pick<RollCallKey, 'metric' | 'rule'> | undefined {
  const [site, device, metric = '', name = ''] = correlation.split('/');
  if (site !== encodeURIComponent(call.site) || device !== encodeURIComponent(call.deviceId)) return undefined;
  const rule = rules.find((known) => known === name);
  if (rule === undefined) return undefined;
  try {
    return { metric: decodeURIComponent(metric), rule };
  } catch {
    return undefined;
  }
}
