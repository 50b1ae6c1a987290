import type { Time } from '../../../device/platform/time.ts';
import type { ViewEvent, ViewModel } from './view-model.ts';

/** What a person sees of a run. */
export interface View {
  /** The state as it is now; cheap, to be called whenever something changed. */
  update(model: ViewModel): void;
  event(event: ViewEvent): void;
  /** The last words; the terminal is given back as it was. Idempotent. */
  stop(lines: readonly string[]): void;
}

/** Where it is written to: standard output, as far as a view uses it. */
export interface ViewStream extends NodeJS.WritableStream {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  hasColors?(): boolean;
}

export interface ViewOptions {
  stream: ViewStream;
  env: Readonly<Record<string, string | undefined>>;
  time: Pick<Time, 'monotonicMs' | 'after'>;
}
