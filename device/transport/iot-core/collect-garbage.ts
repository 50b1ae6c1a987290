import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;
let due = false;

/**
 * Collects garbage in the next turn of the event loop. aws-crt lets a closed client go only when the engine collects it,
 * and holds the process until then: by itself that may be never in a process that has nothing left to do.
 */
export function collectGarbageSoon(): void {
  if (due) return;
  due = true;
  setImmediate(() => {
    due = false;
    collect ??= exposed();
    collect?.();
  });
}

/** The engine's own collector, which a context has that is made under this flag. */
function exposed(): (() => void) | undefined {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  return typeof gc === 'function' ? () => void gc() : undefined;
}
