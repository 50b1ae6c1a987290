import { Instant } from '../shared/instant.tsx';
import { durationText } from '../shared/time-text.ts';
import { moved, type Stretch, spans, type TimeWindow, zoomed } from './time-window.ts';

export interface WindowBarProps {
  window: TimeWindow;
  stretch: Stretch;
  nowMs: number;
  historyMs: number;
  onWindow: (window: TimeWindow) => void;
}

/** Chooses what the curves show. */
export function WindowBar({ window, stretch, nowMs, historyMs, onWindow }: WindowBarProps) {
  const spanMs = stretch.toMs - stretch.fromMs;
  return (
    <div class="toolbar" role="toolbar" aria-label="What the curves show">
      <span class="segments">
        {spans
          .filter((one) => one.spanMs <= historyMs)
          .map((one) => (
            <button
              key={one.label}
              type="button"
              class="button"
              aria-pressed={window.kind === 'live' && window.spanMs === one.spanMs}
              onClick={() => onWindow({ kind: 'live', spanMs: one.spanMs })}
            >
              {one.label}
            </button>
          ))}
      </span>
      <span class="segments">
        <button
          type="button"
          class="button"
          title="Earlier (←)"
          aria-label="Earlier"
          onClick={() => onWindow(moved(window, -0.5, nowMs, historyMs))}
        >
          ←
        </button>
        <button
          type="button"
          class="button"
          title="Later (→)"
          aria-label="Later"
          disabled={window.kind === 'live'}
          onClick={() => onWindow(moved(window, 0.5, nowMs, historyMs))}
        >
          →
        </button>
        <button
          type="button"
          class="button"
          title="Closer (+)"
          aria-label="Closer"
          onClick={() => onWindow(zoomed(window, 0.5, nowMs, historyMs))}
        >
          +
        </button>
        <button
          type="button"
          class="button"
          title="Wider (-)"
          aria-label="Wider"
          onClick={() => onWindow(zoomed(window, 2, nowMs, historyMs))}
        >
          −
        </button>
      </span>
      {window.kind === 'live' ? (
        <span class="quiet">live, the last {durationText(spanMs)}; draw over a curve to look closer</span>
      ) : (
        <>
          <button type="button" class="button primary" onClick={() => onWindow({ kind: 'live', spanMs: 900_000 })}>
            Back to live
          </button>
          <span class="quiet">
            <Instant atMs={stretch.fromMs} /> to <Instant atMs={stretch.toMs} />
          </span>
        </>
      )}
    </div>
  );
}
