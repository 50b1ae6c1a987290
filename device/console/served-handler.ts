import type { HandlerStatus } from '../handler/handler.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import type { Entry } from '../outbox/entry.ts';

/** A rule about what is held back; null stands for all. */
export interface Silence {
  id: string;
  site: string | null;
  deviceId: string | null;
  metric: string | null;
  rule: string | null;
  author: string;
  reason: string;
  startsAtMs: number;
  endsAtMs: number;
}

/** What the console needs of the handler. */
export interface ServedHandler extends Partial<Silencing> {
  status(): HandlerStatus;
  /** Breaches, the latest told first. */
  recent(limit: number): Occurrence[];
  /** Breaches that last. */
  firing(limit: number): Occurrence[];
  /** Since when the oldest thing that is still to be told waits, real time; undefined where nothing does. */
  oldestEntryMs(): number | undefined;
  deadLetters(limit: number): Entry[];
  breach(id: string): Occurrence | undefined;
  redrive(entryIds: readonly number[] | 'all'): number;
}

export interface Silencing {
  silences(): Silence[];
  silence(silence: {
    site: string | null;
    deviceId: string | null;
    metric: string | null;
    rule: string | null;
    author: string;
    reason: string;
    untilMs: number;
  }): Silence;
  /** False where there is none of this id. */
  endSilence(id: string): boolean;
}
