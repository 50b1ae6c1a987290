import type { AnomalyMessage } from '../anomaly/anomaly.ts';
import { AppError } from '../platform/errors.ts';
import { type Clock, isoUtc } from '../platform/time.ts';
import type { IncidentState } from './destination.ts';
import type { Occurrence } from './occurrence.ts';
import { description } from './texts/description.ts';
import { duration, plain, shorten } from './texts/format.ts';
import { headline } from './texts/headline.ts';
import { breachLine, chartName, marker } from './texts/marks.ts';
import { peakText, recovery } from './texts/recovery.ts';

/** ServiceNow's limit of short_description; longer values are cut there without an error. */
const shortDescriptionLimit = 160;
/** The raw message in a note; a journal entry holds 4,000 characters. */
const payloadLimit = 1_600;
/** A message that is this old when it is told was held up on its way. */
const lateAfterMs = 5 * 60_000;

export interface TextOptions {
  /** IANA name; local times stand beside UTC. */
  timeZone: string;
  /** Event time now: what a late report is told by. */
  clock: Pick<Clock, 'wallMs'>;
  /** Where people reach the device console; without it no incident leads there. */
  consoleUrl?: string | undefined;
}

/**
 * What incidents and notes say. Start and end stand in them as ISO UTC, and in a line of their own for audits; every note
 * and close note ends with its marker; text of others is made harmless.
 * @throws AppError `unknown-time-zone`
 */
export function incidentTexts({ timeZone, clock, consoleUrl }: TextOptions) {
  const localTime = localTimes(timeZone);

  /** Nothing where the breach was told in time, or was told before. */
  function late({ message, toldSeverity, silence }: Occurrence): string {
    if (toldSeverity !== null) return '';
    const { startedAt, endedAt, at, sequence, firingSequence, clockSynchronised } = message;
    const now = clock.wallMs();
    if (endedAt !== null) return `Reported late: it had ended before it could be told (${isoUtc(now)}).`;
    const waited = duration(now - Date.parse(startedAt));
    const firstAndTold = `First breach ${startedAt}, told ${isoUtc(now)}, ${waited} later.`;
    if (silence === 'lifted') return `Held back by a silence that has ended. ${firstAndTold}`;
    // While it waits, a newer message takes the place of the first.
    const sinceMs = now - Date.parse(sequence > firingSequence ? startedAt : at);
    if (!clockSynchronised || sinceMs <= lateAfterMs) return '';
    return `Reported late: the edge was offline, or the instance out of reach. ${firstAndTold}`;
  }

  /** The breach on its curve, where people can open it. */
  function curve({ id, message }: Occurrence): string | undefined {
    if (consoleUrl === undefined) return undefined;
    const shown = new URLSearchParams({ site: message.site, device: message.deviceId, breach: id });
    return `${consoleUrl.replace(/\/+$/, '')}/#${shown}`;
  }
  const curveLine = (occurrence: Occurrence) => {
    const link = curve(occurrence);
    return link === undefined ? '' : `Curve: ${link}`;
  };

  return {
    opening(
      occurrence: Occurrence,
      follows: { number: string; state: IncidentState } | undefined,
      held: readonly Occurrence[],
    ): { shortDescription: string; description: string; workNotes: string } {
      const { message } = occurrence;
      const extras = {
        localTime,
        curve: curve(occurrence),
        late: late(occurrence),
        follows: follows === undefined ? '' : `Follows ${plain(follows.number)} (${follows.state}).`,
      };
      const first = message.endedAt === null ? `Opened by the ${message.opener}.` : recovery(message);
      return {
        shortDescription: shorten(`[${message.severity.toUpperCase()}] ${headline(message)}`, shortDescriptionLimit),
        description: description(message, extras),
        workNotes: note(
          occurrence,
          message.firingSequence,
          [first, extras.late, extras.follows, curveLine(occurrence), payload(message)],
          held,
        ),
      };
    },
    /** A breach that joins an open incident, or reopens a resolved one; `sequence` is what its marker carries. */
    again(occurrence: Occurrence, held: readonly Occurrence[], sequence: number): string {
      const { message } = occurrence;
      const paragraphs = [
        `Breaching again: ${headline(message)}.`,
        late(occurrence),
        curveLine(occurrence),
        payload(message),
      ];
      return note(occurrence, sequence, paragraphs, held);
    },
    /** “Still breaching”, and a change of severity. */
    still(occurrence: Occurrence, held: readonly Occurrence[]): string {
      const { message, toldSeverity, updatesSinceNote } = occurrence;
      const changed =
        toldSeverity === null || toldSeverity === message.severity
          ? ''
          : `Severity changed from ${toldSeverity} to ${message.severity}.`;
      const updates = updatesSinceNote === 1 ? '1 update' : `${updatesSinceNote} updates`;
      const still = `Still breaching: ${headline(message)}; ${updates} since the last note${peakText(message)}.`;
      return note(occurrence, message.sequence, [changed, still], held);
    },
    recovered(occurrence: Occurrence, onHold: boolean, held: readonly Occurrence[]): string {
      const { message } = occurrence;
      const hold = onHold ? 'The incident is on hold and is left so.' : '';
      return note(occurrence, message.sequence, [recovery(message), hold], held);
    },
    /** Close notes of an incident that we resolve. */
    closing: (occurrence: Occurrence): string =>
      note(occurrence, occurrence.message.sequence, [recovery(occurrence.message)], []),
    duplicate: (occurrence: Occurrence, kept: string): string =>
      signed(
        occurrence,
        `Duplicate of ${plain(kept)}: both tell of the same breach. ${plain(kept)} is kept, this one is canceled.`,
      ),
    /** A person, or a rule of the instance, and we changed the incident at the same moment. */
    collision: (occurrence: Occurrence): string =>
      signed(
        occurrence,
        `Somebody else, or a rule of the instance, changed this incident at the same moment as the ${occurrence.message.opener} did; please check its state.`,
      ),
    chartName: (occurrence: Occurrence, sequence: number): string => chartName(occurrence.id, sequence),
  };
}

/** Paragraphs, the lines for programs, and the marker at the end. */
function note(
  occurrence: Occurrence,
  sequence: number,
  paragraphs: readonly string[],
  held: readonly Occurrence[],
): string {
  const list = held.map((one) => `${breachLine(one.message)} key=${one.correlationId}`);
  const lines = [breachLine(occurrence.message), ...list].join('\n');
  return [...paragraphs, lines, endsNotKnown(held), marker(occurrence.id, sequence)]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** Which of the listed breaches their devices do not know any more. */
function endsNotKnown(held: readonly Occurrence[]): string {
  const ids = held.filter(({ message }) => message.endReason === 'no longer known').map(({ id }) => id);
  return ids.length === 0 ? '' : `The time of the end is not known of: ${ids.join(', ')}.`;
}

function signed(occurrence: Occurrence, sentence: string): string {
  return `${sentence}\n\n${marker(occurrence.id, occurrence.message.sequence)}`;
}

/** The message without its readings: what a person needs to look further. */
function payload({ window, ...rest }: AnomalyMessage): string {
  return shorten(plain(JSON.stringify({ ...rest, windowReadings: window.length })), payloadLimit);
}

function localTimes(timeZone: string): (iso: string) => string | undefined {
  if (timeZone === 'UTC') return () => undefined;
  const format = dateFormat(timeZone);
  return (iso) => `${format.format(Date.parse(iso))} ${timeZone}`;
}

function dateFormat(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  } catch (error) {
    throw new AppError(
      'unknown-time-zone',
      `serviceNow.timeZone is ${JSON.stringify(timeZone)}, which is no time zone; use an IANA name such as Europe/Berlin.`,
      { cause: error },
    );
  }
}
