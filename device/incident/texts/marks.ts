import type { AnomalyMessage } from '../../anomaly/anomaly.ts';

/** End of every note and close note of ours: how a write is found again after its answer was lost, and told from a person's. */
export function marker(occurrenceId: string, sequence: number): string {
  return `[${occurrenceId}:${sequence}]`;
}

/** Whether a text carries the marker of this breach: of this sequence, or of any where none is given. */
export function hasMarker(text: string, occurrenceId: string, sequence?: number): boolean {
  return text.includes(sequence === undefined ? `[${occurrenceId}:` : marker(occurrenceId, sequence));
}

/** File name of the chart of a breach, by which it is found again. */
export function chartName(occurrenceId: string, sequence: number): string {
  return `breach-${occurrenceId}-${sequence}.png`;
}

/** The line, on its own, that an audit reads a breach's times from; `-` while it lasts. */
export function breachLine(message: Pick<AnomalyMessage, 'id' | 'startedAt' | 'endedAt'>): string {
  return `breach ${message.id} start=${message.startedAt} end=${message.endedAt ?? '-'}`;
}
