import { createLiveView } from './view/live-view.ts';
import { createPlainView } from './view/plain-view.ts';
import type { View, ViewOptions } from './view/view-port.ts';

/** A live view on a terminal that can move its cursor, plain lines anywhere else. */
export function createView(options: ViewOptions): View {
  const { stream, env } = options;
  const isLive = stream.isTTY === true && env['TERM'] !== 'dumb' && env['CI'] === undefined;
  return isLive ? createLiveView(options) : createPlainView(options);
}
