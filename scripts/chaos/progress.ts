import { createLogUpdate } from 'log-update';

/** One line that is drawn over and over on a terminal; nothing elsewhere. */
export interface Progress {
  show(line: string): void;
  /** Leaves the terminal as it was. */
  end(): void;
}

const everyMs = 200;

export function createProgress(stream: NodeJS.WriteStream, nowMs: () => number): Progress {
  if (!stream.isTTY) return { show() {}, end() {} };
  const draw = createLogUpdate(stream);
  let drawnMs = Number.NEGATIVE_INFINITY;
  return {
    show(line) {
      if (nowMs() - drawnMs < everyMs) return;
      drawnMs = nowMs();
      draw(line);
    },
    end: () => draw.clear(),
  };
}
