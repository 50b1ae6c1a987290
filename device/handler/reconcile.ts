import { type AnomalyMessage, handlerRules, type RollCallKey, rules } from '../anomaly/anomaly.ts';
import { correlationId } from '../anomaly/identity.ts';
import type { IncidentRow } from '../incident/destination.ts';
import { isOpen, lastSequenceTold, unendedBreaches } from '../incident/incident-row.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { isoUtc } from '../platform/time.ts';
import type { Intake } from './intake.ts';
import type { RollCall } from './roll-call.ts';
import type { HandlerStore } from './store.ts';

/**
 * Brings what the handler knows, and what the instance shows, in line with what a device says of itself; so either
 * side's store can be lost. Both functions run inside a transaction.
 */

/** What a roll call says of the handler's own store. Answers the keys whose monitor lags behind the handler. */
export function reconcileStore(
  call: RollCall,
  store: HandlerStore,
  intake: Intake,
  policy: { orphan: 'resolve' | 'note' },
): { key: RollCallKey; highWater: number }[] {
  const behind: { key: RollCallKey; highWater: number }[] = [];
  const byCorrelation = new Map<string, RollCallKey>();
  for (const key of call.keys) {
    const correlation = correlationId({ site: call.site, deviceId: call.deviceId, metric: key.metric, rule: key.rule });
    byCorrelation.set(correlation, key);
    const highWater = store.highWater(call.installationId, correlation);
    // A data directory that was restored from a backup, or cloned: it must take a new installation id.
    if (highWater > key.lastSequence) behind.push({ key, highWater });
    else if (!key.waiting) {
      if (key.lastSequence > 0) store.setHighWater(call.installationId, correlation, key.lastSequence);
      if (key.firing !== null && store.occurrence(key.firing.id)?.phase !== 'firing') {
        intake.adopt(adopted(call, key, key.firing));
      }
    }
  }
  for (const occurrence of store.firing(call.site, call.deviceId)) {
    if (intake.ownRule(occurrence.message.rule)) continue;
    const key = byCorrelation.get(occurrence.correlationId);
    if (key?.firing?.id === occurrence.id || key?.waiting === true) continue;
    const ours = occurrence.message.installationId === call.installationId;
    if (ours && store.highWater(call.installationId, occurrence.correlationId) > (key?.lastSequence ?? 0)) continue;
    intake.orphan(occurrence, call.atMs, policy.orphan);
  }
  return behind;
}

/** What the instance's open rows of a device say that the store does not know: their breaches are ended. */
export function reconcileRows(
  rows: readonly IncidentRow[],
  call: RollCall,
  store: HandlerStore,
  intake: Intake,
  policy: { orphan: 'resolve' | 'note' },
): void {
  const byCorrelation = new Map(
    call.keys.map((key) => [
      correlationId({ site: call.site, deviceId: call.deviceId, metric: key.metric, rule: key.rule }),
      key,
    ]),
  );
  for (const row of rows) {
    if (!isOpen(row)) continue;
    const called = byCorrelation.get(row.correlationId);
    if (called?.waiting === true || called?.firing != null) continue;
    if (store.firingOf(row.correlationId).length > 0 || store.entriesOf(row.correlationId).length > 0) continue;
    const occurrence = occurrenceOf(row, call, called);
    if (occurrence === undefined || store.occurrence(occurrence.id) !== undefined) continue;
    store.putOccurrence(occurrence);
    intake.orphan(occurrence, call.atMs, policy.orphan);
  }
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
    opener: 'edge',
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
function occurrenceOf(row: IncidentRow, call: RollCall, key: RollCallKey | undefined): Occurrence | undefined {
  const id = unendedBreaches(row)[0] ?? (/^[0-9a-f]{32}$/.test(row.openedBy) ? row.openedBy : undefined);
  const parts = keyParts(row.correlationId);
  if (id === undefined || parts === undefined) return undefined;
  const told = lastSequenceTold(row, id);
  const startedAt = new RegExp(`^breach ${id} start=(\\S+) `, 'm').exec(`${row.workNotes}\n${row.description}`)?.[1];
  return {
    id,
    correlationId: row.correlationId,
    phase: 'firing',
    place: 'attached',
    incident: { sysId: row.sysId, number: row.number },
    toldSeverity: null,
    notedAtMs: call.atMs,
    updatesSinceNote: 0,
    heldBy: null,
    message: {
      version: 1,
      id,
      ...identity(call),
      metric: key?.metric ?? parts.metric,
      rule: key?.rule ?? parts.rule,
      sequence: Math.max(told, 1),
      firingSequence: 1,
      phase: 'firing',
      opener: 'edge',
      severity: 'medium',
      unit: '',
      value: null,
      limit: null,
      deadband: null,
      peak: null,
      startedAt: startedAt !== undefined && !Number.isNaN(Date.parse(startedAt)) ? startedAt : isoUtc(row.createdAtMs),
      endedAt: null,
      endReason: null,
      at: isoUtc(call.atMs),
      text: row.number,
      configVersion: '-',
      window: [],
      ...call.stamps,
    },
  };
}

/** Metric and rule of a correlation id; of a shortened one the rule cannot be read, so it is taken as `upper`. */
function keyParts(correlation: string): { metric: string; rule: AnomalyMessage['rule'] } | undefined {
  const [, , metric = '', name = ''] = correlation.split('/');
  const rule = rules.find((known) => known === name);
  try {
    if (rule !== undefined) return { metric: decodeURIComponent(metric), rule };
    return correlation.includes('~') ? { metric: '*', rule: 'upper' } : undefined;
  } catch {
    return undefined;
  }
}

/** Prefix of the correlation ids of a device; of one with long names as much as its ids keep. */
export function devicePrefix(site: string, deviceId: string): string {
  return `${encodeURIComponent(site)}/${encodeURIComponent(deviceId)}/`.slice(0, 67);
}

/** Whether a correlation id belongs to something that the handler raises itself. */
export function isOwnKey(correlation: string): boolean {
  return handlerRules.some((rule) => correlation.endsWith(`/${rule}`));
}
