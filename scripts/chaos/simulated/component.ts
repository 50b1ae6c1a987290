import type { ManualTime } from '../../../device/platform/time.ts';
import type { Disk, Survival } from './disk.ts';
import { beginLife, type Crossing, type Life } from './life.ts';

export interface ComponentOptions {
  time: ManualTime;
  disk: Disk;
  /** Makes and starts the component for one life; answers how it is stopped in order. */
  begin: (life: Life) => Promise<{ stop: () => Promise<void> }>;
  /** Right after a crash, or a stop in order, while the files are as it left them. */
  onEnd: (survival: Survival) => void;
  onReboot: () => void;
}

export interface ArmedCrash {
  at: Crossing | 'now';
  /** Crossings of that kind that pass before it strikes. */
  skip: number;
  downMs: number;
  survival: Survival;
  reboot: boolean;
}

/**
 * A component that is started again whenever it has ended, as a supervisor does.
 *
 * | state | what is there                          | left by                                                  |
 * |-------|----------------------------------------|----------------------------------------------------------|
 * | up    | a life; a crash may be armed           | the crash → down, `stop` → down once it has stopped      |
 * | down  | the files, and a timer for the restart | the timer → up; a start that fails is tried again in 5 s |
 */
export interface Component {
  start(): void;
  /** It strikes at the next such crossing, or at once. */
  arm(crash: ArmedCrash): void;
  disarm(): void;
  /** Stops in order and starts again; `between` is called while it is down. */
  stop(downMs: number, between?: () => void): void;
  life(): Life | undefined;
  crashes(): number;
}

const restartMs = 5_000;

export function createComponent(options: ComponentOptions): Component {
  const { time, disk } = options;
  let life: Life | undefined;
  let running: { stop: () => Promise<void> } | undefined;
  let armed: ArmedCrash | undefined;
  let crashes = 0;

  function start(): void {
    const mine = beginLife(time, (crossing) => strike(mine, crossing));
    life = mine;
    options.begin(mine).then(
      (begun) => {
        if (life === mine) running = begun;
      },
      () => {
        // It would not start (a full disk): its process ends, and is started again.
        if (life === mine) down('committed', restartMs);
      },
    );
  }

  function strike(mine: Life, crossing: Crossing): void {
    if (mine !== life || armed === undefined || armed.at === 'now') return;
    if (armed.at.port !== crossing.port || armed.at.when !== crossing.when) return;
    if (armed.skip > 0) armed.skip -= 1;
    else crash(armed);
  }

  function crash({ survival, downMs, reboot }: ArmedCrash): void {
    armed = undefined;
    crashes += 1;
    const kept = survival === 'backup' && !disk.hasBackup() ? 'committed' : survival;
    options.onEnd(kept);
    down(kept, downMs);
    if (reboot) options.onReboot();
  }

  function down(survival: Survival, downMs: number): void {
    life?.end();
    life = undefined;
    running = undefined;
    disk.leave(survival);
    time.after(downMs, start);
  }

  return {
    start,
    arm(crash_) {
      armed = { ...crash_ };
      if (armed.at === 'now' && life !== undefined) crash(armed);
    },
    disarm() {
      armed = undefined;
    },
    stop(downMs, between = () => {}) {
      const [mine, stopping] = [life, running];
      if (mine === undefined || stopping === undefined) return;
      void stopping.stop().then(() => {
        if (life !== mine) return;
        options.onEnd('committed');
        mine.end();
        life = undefined;
        running = undefined;
        disk.leave('committed');
        between();
        time.after(downMs, start);
      });
    },
    life: () => life,
    crashes: () => crashes,
  };
}
