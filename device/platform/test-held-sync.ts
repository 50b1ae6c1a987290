import type { CreateStoreSync } from './store-sync.ts';

/** A sync that ends when a test says so: a disk that takes its time. */
export function heldSync(): { create: CreateStoreSync; release(): void } {
  let marked = false;
  let waiting: (() => void)[] = [];
  return {
    create: () => ({
      mark() {
        marked = true;
      },
      after(done) {
        if (marked) waiting.push(done);
        else done();
      },
      close() {
        waiting = [];
      },
    }),
    release() {
      const released = waiting;
      waiting = [];
      marked = false;
      for (const done of released) done();
    },
  };
}
