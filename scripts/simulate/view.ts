import type { Time } from '../../device/platform/time.ts';
import { createLiveView } from './view/live-view.ts';
import { createPlainView } from './view/plain-view.ts';
import type { ViewEvent, ViewModel } from './view/view-model.ts';

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

/** A live view on a terminal that can move its cursor, plain lines anywhere else. */
export function createView(options: ViewOptions): View {
  const { stream, env } = options;
  const isLive = stream.isTTY === true && env['TERM'] !== 'dumb' && env['CI'] === undefined;
  return isLive ? createLiveView(options) : createPlainView(options);
}
