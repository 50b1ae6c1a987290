import { createLogUpdate } from 'log-update';
import type { Timer } from '../../../device/platform/time.ts';
import { written } from './line.ts';
import { render } from './render.ts';
import type { ViewEvent, ViewModel } from './view-model.ts';
import type { View, ViewOptions } from './view-port.ts';

/** Four frames a second at most. */
const frameMs = 250;
const keptEvents = 50;

/**
 * Draws over its own last frame.
 *
 * | state   | on update, event, resize          | on the timer          | on stop              |
 * |---------|-----------------------------------|-----------------------|----------------------|
 * | idle    | draws if a frame is due, waiting  | –                     | last frame, stopped  |
 * | waiting | remembers                         | draws what came, idle | last frame, stopped  |
 * | stopped | nothing                           | –                     | nothing              |
 */
export function createLiveView({ stream, env, time }: ViewOptions): View {
  const draw = createLogUpdate(stream);
  const color = stream.hasColors?.() === true;
  const unicode = showsUnicode(env);
  const events: ViewEvent[] = [];
  let model: ViewModel | undefined;
  let timer: Timer | undefined;
  let drawnAtMs = Number.NEGATIVE_INFINITY;
  let drawnLines = 0;
  let stopped = false;

  const look = () => ({
    columns: Math.max(1, stream.columns ?? 80),
    rows: Math.max(2, stream.rows ?? 24),
    color,
    unicode,
  });

  function drawNow(): void {
    timer = undefined;
    if (model === undefined || stopped) return;
    drawnAtMs = time.monotonicMs();
    const frame = render(model, events, look());
    const lines = frame.split('\n').length;
    // log-update 7.2 draws only what differs, and loses lines where two frames are not equally high.
    if (lines !== drawnLines) draw.clear();
    drawnLines = lines;
    draw(frame);
  }

  function changed(): void {
    if (stopped || timer !== undefined) return;
    const waitMs = drawnAtMs + frameMs - time.monotonicMs();
    if (waitMs <= 0) drawNow();
    else timer = time.after(waitMs, drawNow);
  }

  stream.on('resize', changed);

  return {
    update(next) {
      model = next;
      changed();
    },
    event(event) {
      events.push(event);
      if (events.length > keptEvents) events.shift();
      changed();
    },
    stop(lines) {
      if (stopped) return;
      timer?.cancel();
      drawNow();
      stopped = true;
      stream.off('resize', changed);
      draw.done();
      const last = lines.map(
        (line) => `${written([{ text: line, tone: 'plain' }], { ...look(), columns: Number.MAX_SAFE_INTEGER })}\n`,
      );
      stream.write(`\n${last.join('')}`);
    },
  };
}

/** Unless the terminal or the locale says that it has no more than ASCII. */
function showsUnicode(env: ViewOptions['env']): boolean {
  if (env['TERM'] === 'linux') return false;
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((value) => value !== undefined && value !== '');
  return locale === undefined || /utf-?8/i.test(locale);
}
