import type { Row } from '../../../device/simulation/servicenow/tables.ts';
import { type AuditResult, audit, strictPolicy } from '../../audit/audit.ts';
import { type Breach, correlationIdOf } from '../../audit/breach.ts';
import { attachmentRow, incidentRow, journalRow } from '../../audit/incidents.ts';
import { type Chronicle, type Finding, isForgotten, type MonitorLoss, type Span, startMs } from './chronicle.ts';
import type { Disk } from './disk.ts';
import { type HandlerSide, stormWindowMs } from './handler-side.ts';
import type { MonitorSide } from './monitor-side.ts';
import { peopleOverruled } from './people.ts';
import { type Step, settleMs } from './schedule.ts';
import { type SimulatedServiceNow, secretMark } from './service-now.ts';
import { atRightTimes } from './wrong-clock.ts';

export interface Judged {
  chronicle: Chronicle;
  services: readonly SimulatedServiceNow[];
  monitor: MonitorSide;
  handler: HandlerSide;
  disks: readonly Disk[];
}

/** Messages may be this late to be in time for a silence. */
const silenceMarginMs = 30_000;
/** How long what is told may be under way. */
const hopsMs = 2_000;
const delaying: readonly Step['do'][] = ['offline', 'network', 'crash', 'stop', 'disk-full'];
/** Both stores are far below it, write-ahead log included. */
const mostStoreBytes = 8_000_000;

/** As it stands, and as it is sent. */
const secrets = [secretMark, Buffer.from(`greengrass:${secretMark}`).toString('base64')];

/** Everything that is wrong once all has been well for long enough. */
export function judge(judged: Judged): Finding[] {
  const { chronicle, services } = judged;
  const breaches = chronicle.truth
    .breaches()
    .filter((breach) => !isSilenced(breach, chronicle))
    .flatMap((breach) => asFarAsKnown(breach, chronicle))
    .map((breach) => excused(breach, chronicle));
  return [
    ...services.flatMap((service, index) => ofInstance(service, index, breaches, chronicle)),
    ...createdTwice(chronicle),
    ...stormsUnguarded(chronicle),
    ...peopleOverruled(chronicle),
    ...unfinished(judged),
  ];
}

function finding(invariant: string, what: string): Finding {
  return { invariant, what };
}

// --- what the audit says ---------------------------------------------------------------------------------------------

function ofInstance(
  service: SimulatedServiceNow,
  index: number,
  breaches: readonly Breach[],
  chronicle: Chronicle,
): Finding[] {
  const deleted = chronicle.deleted.filter((one) => one.service === index && !isForgotten(one, chronicle));
  const isServed = chronicle.served.service === index;
  const right = rightTimes(chronicle);
  // What a person deleted told of its breaches as much as what a person closed, unless it was canceled as a double before.
  const asClosed = (row: Row): Row => (row['state'] === '8' ? row : { ...row, state: '7' });
  const rows: Row[] = [...service.rows('incident'), ...deleted.map(({ row }) => asClosed(row))];
  const journal = [...service.rows('sys_journal_field'), ...deleted.flatMap((one) => one.journal)];
  const texts = right([...rows.flatMap(textsOf), ...journal.map(({ value = '' }) => value)]);
  const result = audit({
    breaches: breaches.map((breach) => ({
      ...breach,
      optional: breach.optional || !isDemanded(breach, isServed, chronicle),
    })),
    rows: rows.map((row, at) =>
      incidentRow.parse({ ...row, description: texts[2 * at], close_notes: texts[2 * at + 1] }),
    ),
    journal: journal.map((row, at) => journalRow.parse({ ...row, value: texts[2 * rows.length + at] })),
    attachments: service.rows('sys_attachment').map((row) => attachmentRow.parse(row)),
    policy: {
      ...strictPolicy,
      toleranceMs: chronicle.schedule.setup.clockErrorMs === 0 ? 0 : 1_000,
      judgedRules: ['upper'],
      handlerRules: ['storm', 'device-silent', 'broker-silent'],
      quietMs: chronicle.schedule.setup.quietMs,
      people: chronicle.deeds.length > 0,
      monitorLossesMs: chronicle.monitorLosses.map(({ atMs }) => atMs),
      handlerLossesMs: chronicle.handlerLosses.map(({ atMs }) => atMs),
    },
  });
  const ofNumbers = (numbers: readonly string[]) => rows.filter(({ number = '' }) => numbers.includes(number));
  const isDecided = (numbers: readonly string[]) =>
    chronicle.deeds.some(
      ({ service: where, sysId, what }) =>
        where === index &&
        (what === 'resolve' || what === 'close' || what === 'cancel' || what === 'delete') &&
        ofNumbers(numbers).some((row) => row['sys_id'] === sysId),
    );
  const isNews = ({ key, startedAtMs, numbers }: AuditResult['duplicates'][number]) =>
    !breaches.some(
      (breach) =>
        breach.startedAtMs === startedAtMs &&
        correlationIdOf(breach) === key &&
        (isRelived(breach, chronicle) ||
          (isDecided(numbers) && isTakenUpAnew(breach, chronicle)) ||
          isLeftToPeople(ofNumbers(numbers), index, chronicle)),
    );
  const told = { ...result, duplicates: result.duplicates.filter(isNews) };
  const found = isServed ? findingsOf(told) : recordsOf(told);
  return found.filter((one) => !isExcused(one, rows, chronicle));
}

function isExcused({ invariant, what }: Finding, rows: readonly Row[], chronicle: Chronicle): boolean {
  const clockWasWrong = chronicle.schedule.setup.clockErrorMs !== 0;
  // The order of breaches is read from their starts, and some were told by a wrong clock, or again after others.
  const isToldAgain = chronicle.truth.breaches().some((breach) => isRelived(breach, chronicle));
  if (invariant === 'in order' && (clockWasWrong || isToldAgain)) return true;
  if (invariant === 'in order' && isOrphanOvertaken(what, chronicle)) return true;
  if (invariant === 'in order' && isLetGoLate(what, chronicle, rows)) return true;
  // What was on hold when its breach ended is left to people, whatever they make of it later.
  const isHeld = ({ what: did, sysId }: Chronicle['deeds'][number]) =>
    did === 'hold' && rows.some((row) => row['sys_id'] === sysId && what.startsWith(`${row['number']}:`));
  if (invariant === 'resolved if ended' && chronicle.deeds.some(isHeld)) return true;
  if (invariant === 'resolved if ended' && isKeptByLater(what, rows, chronicle)) return true;
  if (invariant === 'no doubled note' && isNamedAnew(what, rows, chronicle)) return true;
  if (invariant === 'resolved only if ended' && isStormAnew(what, rows, chronicle)) return true;
  // A handler that lost its store may take breaches with incidents of their own for a storm, before it finds these; and
  // what a storm had listed by a wrong clock it does not list again.
  if (chronicle.handlerLosses.length === 0) return false;
  const isOfStorms = /^(exactly one incident|resolved|in order)/.test(invariant);
  if (!isOfStorms && !(invariant === 'no incident without a breach' && clockWasWrong)) return false;
  const storms = rows.filter(isOfStorm);
  return invariant === 'in order' ? storms.length > 0 : storms.some((row) => what.includes(row['number'] ?? '-'));
}

/**
 * What the handler took in while it did not know its incidents may be told before it finds there what it forgot, and ends
 * that.
 */
function isOrphanOvertaken(what: string, { handlerLosses, writes }: Chronicle): boolean {
  const [, overtaken] = /before the end of breach ([0-9a-f]{32})$/.exec(what) ?? [];
  if (overtaken === undefined || handlerLosses.length === 0) return false;
  return writes.some(({ fields: { work_notes: note = '' } }) => {
    return note.startsWith('Ended: the device does not know this breach') && note.includes(`breach ${overtaken} `);
  });
}

/** A breach of its key that is told as one that it tells of, which is over, still lasts. */
function isKeptByLater(what: string, rows: readonly Row[], chronicle: Chronicle): boolean {
  const row = rows.find(({ number }) => what.startsWith(`${number}:`));
  return chronicle.truth.breaches().some((breach) => {
    const isOfRow = breach.endedAtMs === null && correlationIdOf(breach) === row?.['correlation_id'];
    return isOfRow && isToldAsEarlier(breach, chronicle);
  });
}

/**
 * A gap of the code: a handler that comes back from a backup counts what it raises itself on from there, so a storm may have
 * the name of one that it does not know any more. It does not harm: the incident of that one is reopened for it.
 */
function isNamedAnew(what: string, rows: readonly Row[], { schedule }: Chronicle): boolean {
  return (
    stormOf(what, rows) !== undefined &&
    what.endsWith(' Breaching again stands there 2 times') &&
    schedule.steps.some((step) => step.do === 'crash' && step.who === 'handler' && step.survival === 'backup')
  );
}

/** A storm may reopen the incident of one that people have ended: what that listed, and lasts, stays with them. */
function isStormAnew(what: string, rows: readonly Row[], { deeds }: Chronicle): boolean {
  const storm = stormOf(what, rows);
  return deeds.some((deed) => deed.what === 'resolve' && deed.sysId === storm?.['sys_id']);
}

/** The storm's incident that a finding names. */
function stormOf(what: string, rows: readonly Row[]): Row | undefined {
  return rows.find((row) => isOfStorm(row) && what.startsWith(`${row['number']}:`));
}

function isOfStorm(row: Row): boolean {
  return row['correlation_id']?.endsWith('/storm') === true;
}

/** What a storm was refused to list is told once people have ended the storm's incident; later ones were told meanwhile. */
function isLetGoLate(what: string, { deeds, writes }: Chronicle, rows: readonly Row[]): boolean {
  const [, overtaken] = /before the end of breach ([0-9a-f]{32})$/.exec(what) ?? [];
  const storms = rows.filter(isOfStorm).map((row) => row['sys_id']);
  if (overtaken === undefined || !deeds.some(({ sysId }) => storms.includes(sysId))) return false;
  return writes.some(({ fields: { work_notes: note = '' } }) => {
    return note.includes('Reported late: ') && note.includes(overtaken);
  });
}

/** Doubles that were made blind, and of which people ended all but one before they were seen, are not there to be repaired. */
function isLeftToPeople(doubles: readonly Row[], service: number, chronicle: Chronicle): boolean {
  const { writes, deeds } = chronicle;
  const isOf = (one: { service: number; sysId: string }, row: Row) =>
    one.service === service && one.sysId === row['sys_id'];
  const isEnded = (row: Row) => deeds.some((deed) => /^(cancel|close)$/.test(deed.what) && isOf(deed, row));
  const [, ...again] = writes.filter(
    (write) => write.method === 'POST' && write.table === 'incident' && doubles.some((row) => isOf(write, row)),
  );
  return again.every((write) => wasMadeBlind(write, chronicle)) && doubles.filter((row) => !isEnded(row)).length <= 1;
}

/** With nothing known yet that must be visible, a user who cannot read does not see that the very first ones were made. */
function wasMadeBlind({ atMs, knownAtMs }: Chronicle['writes'][number], chronicle: Chronicle): boolean {
  const knewAny = knownAtMs !== undefined && !chronicle.handlerLosses.some((loss) => loss.atMs >= knownAtMs);
  return !knewAny && wasBlind(chronicle, atMs);
}

/** Shortly before, the user of the edge could create, but not read. */
function wasBlind({ schedule }: Chronicle, atMs: number): boolean {
  return schedule.steps.some(
    (step) =>
      step.do === 'fault' &&
      step.fault.kind === 'create-without-read' &&
      startMs + step.atMs <= atMs &&
      atMs < startMs + step.atMs + step.forMs + settleMs,
  );
}

function textsOf({ description = '', close_notes: closeNotes = '' }: Row): string[] {
  return [description, closeNotes];
}

function rightTimes({ schedule, clockRightAtMs, handlerLosses, truth }: Chronicle): (texts: string[]) => string[] {
  const { clockErrorMs: errorMs } = schedule.setup;
  if (errorMs === 0) return (texts) => texts;
  const over = truth
    .breaches()
    .filter(({ endedAtMs }) => endedAtMs !== null && handlerLosses.some(({ atMs }) => endedAtMs <= atMs));
  const isForgottenStart = (startedAtMs: number) =>
    over.some((breach) => Math.abs(breach.startedAtMs - startedAtMs) < 1_000);
  return (texts) => atRightTimes(texts, { errorMs, rightAtMs: clockRightAtMs, isForgottenStart });
}

/** Open breaches moved to the instance that is served now; what ended before may have been put aside. */
function isDemanded({ endedAtMs }: Breach, isServed: boolean, { served }: Chronicle): boolean {
  return isServed && (endedAtMs === null || endedAtMs > served.sinceMs || served.service === 0);
}

function findingsOf(result: AuditResult): Finding[] {
  const of = (breach: Breach) => `${breach.deviceId}/${breach.metric} ${span(breach)}`;
  return [
    ...result.lost.map((breach) => finding('every breach is told', of(breach))),
    ...result.wrongTimes.map(({ breach, numbers, startsMs, endsMs }) =>
      finding(
        'times are true',
        `${numbers.join(', ')}: ${of(breach)}, told ${startsMs.map(clockTime).join(' ')} – ${endsMs.map(clockTime).join(' ')}`,
      ),
    ),
    ...result.wronglyOpen.map(({ number, what }) => finding('resolved if ended', `${number}: ${what}`)),
    ...result.wronglyResolved.map(({ number, what }) => finding('resolved only if ended', `${number}: ${what}`)),
    ...result.withoutBreach.map(({ numbers, key }) =>
      finding('no incident without a breach', `${numbers.join(', ')} of ${key}`),
    ),
    ...recordsOf(result),
  ];
}

/** What must hold of an instance that is not served any more, too. */
function recordsOf(result: AuditResult): Finding[] {
  return [
    ...result.duplicates.map(({ numbers, key, what }) =>
      finding('exactly one incident', `${numbers.join(', ')} of ${key}: ${what}`),
    ),
    ...result.doubledNotes.map(({ number, what }) => finding('no doubled note', `${number}: ${what}`)),
    ...result.doubledAttachments.map(({ number, what }) => finding('no doubled attachment', `${number}: ${what}`)),
    ...result.orderViolations.map(({ number, what }) => finding('in order', `${number}: ${what}`)),
  ];
}

// --- what cannot be demanded -----------------------------------------------------------------------------------------

function excused(breach: Breach, chronicle: Chronicle): Breach {
  const { startedAtMs, deviceId, metric } = breach;
  const endedAtMs = breach.endedAtMs ?? Number.POSITIVE_INFINITY;
  let { optional, untimed = false } = breach;
  let knownFromMs = startedAtMs;
  const forgottenAtMs = forgottenMs(breach, chronicle);
  for (const { atMs, unanswered, forgetsEnds } of chronicle.monitorLosses) {
    // Held back by a silence it was told to nobody, and its start was lost with the monitor.
    const isHeldBack = silencesOf(breach, chronicle).some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
    untimed ||= isHeldBack && startedAtMs <= atMs && endedAtMs >= atMs;
    // Begun under a silence, and forgotten under it.
    const isNeverTold = silencesOf(breach, chronicle).some(
      ({ fromMs, toMs }) => fromMs <= startedAtMs && startedAtMs <= atMs && atMs < toMs,
    );
    optional ||= isNeverTold && forgottenAtMs <= atMs;
    const isHit = unanswered.some(
      (one) => one.deviceId === deviceId && one.metric === metric && startedAtMs <= atMs && endedAtMs >= one.sinceMs,
    );
    if (!isHit) continue;
    untimed = true;
    if (forgetsEnds) knownFromMs = chronicle.truth.nextSeenMs(deviceId, atMs);
    optional ||= endedAtMs <= chronicle.truth.nextSeenMs(deviceId, atMs);
  }
  const isContinuation = isToldAsEarlier(breach, chronicle);
  untimed ||= isContinuation || isRelived(breach, chronicle);
  optional ||= isContinuation;
  for (const { atMs, ends } of chronicle.handlerLosses) {
    if (
      Math.min(endedAtMs, forgottenAtMs) > atMs ||
      ends.has(`${correlationIdOf(breach)} ${iso(startedAtMs)} ${iso(endedAtMs)}`)
    )
      continue;
    optional = true;
    untimed = true;
  }
  // It began and ended while the monitor could not write: counted, and not reported.
  optional ||= chronicle.fullDisk.some((full) => knownFromMs >= full.fromMs && endedAtMs <= full.toMs);
  optional ||= silencesOf(breach, chronicle).some((silence) => endedAtMs >= silence.fromMs && endedAtMs < silence.toMs);
  // Of a clock that is known to be wrong the handler takes no time: what it hears under a silence ended under it.
  optional ||=
    endedAtMs < chronicle.clockRightAtMs &&
    silencesOf(breach, chronicle).some(({ toMs }) => endedAtMs < toMs && mayBeLate(toMs, chronicle));
  const isDeleted = chronicle.deleted.some((one) => startedAtMs <= one.atMs && isForgotten(one, chronicle));
  optional ||= isDeleted;
  untimed ||= isDeleted && isTakenUpAnew(breach, chronicle);
  // Another instance is told what its monitor knows by then.
  untimed ||= chronicle.served.service !== 0 && isTakenUpAnew(breach, chronicle);
  const clockWasWrong = startedAtMs < chronicle.clockRightAtMs;
  return { ...breach, optional, untimed, clockWasWrong };
}

/**
 * When its monitor forgot a breach, without being shown again, before its end, that the limit is exceeded: only the handler
 * knows of it from then on. Infinite: never.
 */
function forgottenMs({ deviceId, startedAtMs, endedAtMs }: Breach, { monitorLosses, truth }: Chronicle): number {
  const untilMs = endedAtMs ?? Number.POSITIVE_INFINITY;
  const loss = monitorLosses.find(
    ({ atMs }) => startedAtMs <= atMs && atMs <= untilMs && untilMs <= truth.nextSeenMs(deviceId, atMs),
  );
  return loss?.atMs ?? Number.POSITIVE_INFINITY;
}

/**
 * A monitor that lost its data directory does not know that a metric within its deadband has exceeded the limit before: the
 * breach ended with the loss, and where it exceeds the limit again another one begins. A backup knows what fired when it was
 * made.
 */
function asFarAsKnown(breach: Breach, chronicle: Chronicle): Breach[] {
  const { monitorLosses, truth } = chronicle;
  const { deviceId, startedAtMs } = breach;
  const endedAtMs = breach.endedAtMs ?? Number.POSITIVE_INFINITY;
  for (const { atMs, forgetsEnds, backedUpAtMs = Number.NEGATIVE_INFINITY } of monitorLosses) {
    if (forgetsEnds || atMs < startedAtMs || atMs >= endedAtMs || startedAtMs <= backedUpAtMs) continue;
    const [shownMs, exceededMs] = [truth.nextSeenMs(deviceId, atMs), truth.nextExceededMs(breach, atMs)];
    if (exceededMs === shownMs) continue;
    const known = { ...breach, endedAtMs: shownMs, resolvedAtMs: shownMs, untimed: true };
    if (exceededMs === undefined) return [known];
    return [known, ...asFarAsKnown({ ...breach, startedAtMs: exceededMs, firedAtMs: exceededMs }, chronicle)];
  }
  return [breach];
}

/**
 * A gap of the code: a data directory that comes back from a backup takes up what fired when that was made, and cannot
 * know that the breach ended since. It tells it again, until a value is far from the limit, or, where one exceeds the limit
 * before, to the end of the breach that begins with it. To do better the handler would have to answer that the breach has ended.
 */
function isRelived(breach: Breach, { monitorLosses }: Chronicle): boolean {
  return monitorLosses.some((loss) => loss.backedUpAtMs !== undefined && isEndForgotten(breach, loss));
}

/** Its monitor lost its data directory meanwhile, so that what people decided of the breach before was of another one. */
function isTakenUpAnew({ startedAtMs, endedAtMs }: Breach, { monitorLosses }: Chronicle): boolean {
  return monitorLosses.some(({ atMs }) => atMs >= startedAtMs && atMs < (endedAtMs ?? Number.POSITIVE_INFINITY));
}

/**
 * A monitor that does not know any more that an earlier breach of the key has ended goes on with that one until it is shown
 * a value far from the limit, and tells what exceeds the limit by then as that breach.
 */
function isToldAsEarlier(breach: Breach, { truth, monitorLosses }: Chronicle): boolean {
  const { deviceId, startedAtMs, endedAtMs } = breach;
  return monitorLosses.some((loss) => {
    if (startedAtMs >= truth.nextClearMs(breach, loss.atMs)) return false;
    if ((endedAtMs ?? Number.POSITIVE_INFINITY) <= truth.nextSeenMs(deviceId, loss.atMs)) return false;
    return truth.breaches().some((other) => isSameKey(other, breach) && isEndForgotten(other, loss));
  });
}

/** Its end was in no backup, or could not be written to a full disk; its start was. */
function isEndForgotten({ deviceId, metric, startedAtMs, endedAtMs }: Breach, loss: MonitorLoss): boolean {
  if (endedAtMs === null || endedAtMs > loss.atMs) return false;
  const { backedUpAtMs = Number.NEGATIVE_INFINITY, forgetsEnds, unanswered } = loss;
  if (startedAtMs <= backedUpAtMs && endedAtMs > backedUpAtMs) return true;
  const full = unanswered.find((one) => one.deviceId === deviceId && one.metric === metric);
  return forgetsEnds && full !== undefined && startedAtMs < full.sinceMs && endedAtMs >= full.sinceMs;
}

function isSameKey(one: Breach, other: Breach): boolean {
  return correlationIdOf(one) === correlationIdOf(other);
}

function silencesOf({ deviceId }: Breach, { silences }: Chronicle): Span[] {
  return silences.filter((silence) => silence.deviceId === undefined || silence.deviceId === deviceId);
}

/** A breach that began under a silence and was over before it is told nowhere, ever. */
function isSilenced(breach: Breach, chronicle: Chronicle): boolean {
  const { startedAtMs, endedAtMs } = breach;
  return silencesOf(breach, chronicle).some(
    ({ fromMs, toMs }) =>
      startedAtMs >= fromMs && endedAtMs !== null && endedAtMs + silenceMarginMs < toMs && !mayBeLate(toMs, chronicle),
  );
}

/**
 * A gap of the code: a silence is forgotten when it ends, and a firing that comes only then opens at once, before its end
 * can come. To hold it back the handler would have to know, from the monitor, that more of the key waits. So what may have
 * been delayed beyond the end of its silence is not judged; a delay that begins after that is no excuse.
 */
function mayBeLate(toMs: number, { schedule }: Chronicle): boolean {
  return schedule.steps.some((step) => delaying.includes(step.do) && startMs + step.atMs < toMs);
}

// --- what the world saw itself ---------------------------------------------------------------------------------------

/** Two creates of one breach: repaired afterwards or not, somebody was paged twice. */
function createdTwice(chronicle: Chronicle): Finding[] {
  const { writes } = chronicle;
  /** By instance and breach, the record that was made. */
  const seen = new Map<string, string>();
  // Deleted by a person before the edge saw that it was made, it was never there.
  const isGone = (sysId: string, byMs: number) =>
    chronicle.deleted.some((one) => one.row['sys_id'] === sysId && one.atMs < byMs && isForgotten(one, chronicle));
  return writes.flatMap((write) => {
    const { service, sysId, method, table, fields, atMs } = write;
    const opener = fields['correlation_display'];
    if (method !== 'POST' || table !== 'incident' || opener === undefined) return [];
    const name = `${service} ${opener}`;
    if (seen.has(name) && wasMadeBlind(write, chronicle)) return [];
    const before = seen.get(name);
    seen.set(name, sysId);
    if (before === undefined || isGone(before, atMs)) return [];
    return [finding('created once', `breach ${opener} of ${fields['correlation_id']}`)];
  });
}

/** Without trouble nothing is told late, so no window sees more keys open incidents than the storm guard lets through. */
function stormsUnguarded({ writes, schedule }: Chronicle): Finding[] {
  if (schedule.steps.some((step) => step.do !== 'temper' && step.do !== 'clock-right')) return [];
  const opened = writes.filter(
    ({ method, table, fields }) =>
      method === 'POST' && table === 'incident' && !fields['correlation_id']?.endsWith('/storm'),
  );
  // With the end of a storm the guard counts anew.
  const calmedMs = writes.flatMap(({ fields, atMs }) =>
    fields['work_notes']?.startsWith('All breaches listed here have ended') === true ? [atMs] : [],
  );
  return opened.flatMap(({ atMs }) => {
    const untilMs = atMs + stormWindowMs - hopsMs;
    // What came in while an empty store settles was admitted before it is told.
    if (atMs < startMs + settleMs + hopsMs) return [];
    if (calmedMs.some((endMs) => endMs >= atMs && endMs < untilMs)) return [];
    const within = opened.filter((other) => other.atMs >= atMs && other.atMs < untilMs);
    // One that opens twice, where the clock was set meanwhile, is one.
    const { size } = new Set(within.map(({ fields }) => fields['correlation_id']));
    return size > schedule.setup.stormKeys ? [finding('the storm guard holds', `${size} keys within a window`)] : [];
  });
}

function unfinished({ monitor, handler, disks }: Judged): Finding[] {
  const found: Finding[] = [];
  const [sent, told] = [monitor.status(), handler.status()];
  if (sent === undefined || told === undefined) return [finding('both run', 'one of them does not run any more')];
  if (sent.messages.waiting > 0)
    found.push(finding('queues run empty', `${sent.messages.waiting} messages wait at the monitor`));
  if (sent.storeFull || told.storeFull)
    found.push(finding('queues run empty', 'a store still says that its disk is full'));
  const { entries, dead } = told.counts;
  if (entries + dead > 0) {
    const gate = told.relay.gate;
    found.push(
      finding(
        'queues run empty',
        `${entries} entries and ${dead} dead letters at the handler (${gate.reason ?? gate.state})`,
      ),
    );
  }
  for (const disk of disks) {
    if (secrets.some(disk.holds)) found.push(finding('nothing secret in a file', 'a store holds a password'));
    if (disk.bytes() > mostStoreBytes) found.push(finding('files are bounded', `a store has ${disk.bytes()} bytes`));
  }
  return found;
}

function span({ startedAtMs, endedAtMs }: Breach): string {
  return `${clockTime(startedAtMs)}–${endedAtMs === null ? '' : clockTime(endedAtMs)}`;
}

function clockTime(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(11, 23);
}

function iso(epochMs: number): string {
  return Number.isFinite(epochMs) ? new Date(epochMs).toISOString().replace('.000Z', 'Z') : '-';
}
