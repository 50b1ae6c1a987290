import { createLogUpdate } from 'log-update';

/** One line that is drawn over and over on a terminal; elsewhere a line now and then. */
export interface Progress {
  show(line: string): void;
  /** Leaves the terminal as it was. */
  end(): void;
}

const everyMs = 200;
const everyMsInLogs = 10_000;

export function createProgress(stream: NodeJS.WriteStream, nowMs: () => number): Progress {
  const terminal = stream.isTTY ? createLogUpdate(stream) : undefined;
  const pauseMs = terminal === undefined ? everyMsInLogs : everyMs;
  let drawnMs = Number.NEGATIVE_INFINITY;
  return {
    show(line) {
      if (nowMs() - drawnMs < pauseMs) return;
      drawnMs = nowMs();
      if (terminal === undefined) stream.write(`${line}\n`);
      else terminal(line);
    },
    end: () => terminal?.clear(),
  };
}
