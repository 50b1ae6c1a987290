import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readRecipe } from '../../../cloud/greengrass/recipe.ts';
import { nodeFlags } from '../../../cloud/greengrass/recipe-run.ts';
import type { ComponentName, Release } from './bundles.ts';
import { allWell, type Orders, ordersVariable } from './orders.ts';

/**
 * A component under a supervisor, as systemd or a nucleus is one.
 *
 * | state   | start   | kill    | it ends by itself                           |
 * |---------|---------|---------|---------------------------------------------|
 * | stopped | running | –       | –                                           |
 * | running | –       | stopped | started again; after a pause where it failed |
 */
export interface Component {
  readonly name: string;
  start(): void;
  /** SIGKILL; resolves once the process is gone, and nothing starts it again. */
  kill(): Promise<void>;
  /** Laid over the orders that hold; they hold for later starts, too. */
  order(change: Partial<Orders>): void;
  /** Kills itself at a point of its own code, and is started again. Resolves `false` where it has not got there in time. */
  crash(crash: NonNullable<Orders['crash']>, options: CrashOptions): Promise<boolean>;
  /** Runs that of this release from its next start on. */
  install(release: Release): void;
  /** How often it ended by SIGKILL. */
  kills(): number;
  /** Exit codes other than 0 so far. */
  failures(): number;
  /** Most resident memory since its last start, bytes; undefined where the machine does not tell, or nothing runs. */
  peakMemoryBytes(): number | undefined;
}

export interface CrashOptions {
  withinMs: number;
  /** To be done while it lies down. */
  meanwhile?: () => void | Promise<void>;
}

export interface ComponentOptions {
  name: string;
  program: ComponentName;
  release: Release;
  configFile: string;
  env: Readonly<Record<string, string>>;
  log: (chunk: Buffer) => void;
}

const pauseAfterFailureMs = 500;
const recipes = { monitor: 'com.iotblog.SensorMonitor', handler: 'com.iotblog.AnomalyHandler' } as const;

export function createComponent({ name, program, release, configFile, env, log }: ComponentOptions): Component {
  const flags = nodeFlags(readRecipe(recipes[program]));
  let installed = release;
  let orders = allWell;
  let child: ChildProcess | undefined;
  let wanted = false;
  let kills = 0;
  let failures = 0;
  let onCrash: (() => void) | undefined;

  function run(): void {
    const started = spawn(
      process.execPath,
      [...flags, '--import', installed.preload, installed[program], '--config', configFile],
      {
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        env: { ...process.env, ...env, NODE_NO_WARNINGS: '1', [ordersVariable]: JSON.stringify(orders) },
      },
    );
    child = started;
    for (const stream of [started.stdout, started.stderr]) stream?.on('data', log);
    started.once('exit', (code, signal) => {
      if (signal === 'SIGKILL') kills += 1;
      else if (code !== 0) failures += 1;
      if (child !== started) return;
      child = undefined;
      if (!wanted) return;
      if (onCrash !== undefined) onCrash();
      else if (signal === 'SIGKILL') run();
      else setTimeout(() => wanted && child === undefined && run(), pauseAfterFailureMs);
    });
  }

  function order(change: Partial<Orders>): void {
    orders = { ...orders, ...change };
    // What has just gone takes them at its next start.
    if (child?.connected === true) child.send(orders, () => {});
  }

  return {
    name,
    start() {
      wanted = true;
      if (child === undefined) run();
    },
    async kill() {
      wanted = false;
      const running = child;
      if (running === undefined) return;
      const gone = once(running, 'exit');
      running.kill('SIGKILL');
      await gone;
    },
    order,
    async crash(crash, { withinMs, meanwhile }) {
      let timer: NodeJS.Timeout | undefined;
      const crashed = await new Promise<boolean>((resolve) => {
        onCrash = () => resolve(true);
        timer = setTimeout(() => resolve(false), withinMs);
        order({ crash });
      });
      clearTimeout(timer);
      onCrash = undefined;
      const { crash: _over, ...left } = orders;
      orders = left;
      if (!crashed) {
        order({});
        return false;
      }
      await meanwhile?.();
      if (wanted && child === undefined) run();
      return true;
    },
    install(next) {
      installed = next;
    },
    kills: () => kills,
    failures: () => failures,
    peakMemoryBytes() {
      const kibibytes = child?.pid === undefined ? undefined : peakKibibytes(child.pid);
      return kibibytes === undefined ? undefined : kibibytes * 1_024;
    },
  };
}

function peakKibibytes(pid: number): number | undefined {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kibibytes === undefined ? undefined : Number(kibibytes);
  } catch {
    return undefined;
  }
}
