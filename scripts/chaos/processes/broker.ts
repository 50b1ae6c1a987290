import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';
import { type BrokerOrders, brokerVariable } from './broker-variable.ts';

/** The broker as a process: killed, it forgets everything and comes back on its port. */
export interface BrokerProcess {
  readonly url: string;
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Part of the messages that it loses, doubles and holds back from now on, each; 0 for none. */
  err(part: number): void;
  /** It kills itself at a point of its own work and is started again. Resolves `false` where it has not got there in time. */
  crash(crash: NonNullable<BrokerOrders['crash']>, withinMs: number): Promise<boolean>;
  kills(): number;
}

export interface BrokerProcessOptions {
  program: string;
  users: Readonly<Record<string, string>>;
  seed: number;
}

export async function startBrokerProcess({ program, users, seed }: BrokerProcessOptions): Promise<BrokerProcess> {
  let port = 0;
  let child: ChildProcess | undefined;
  let kills = 0;
  let orders: BrokerOrders = { unruly: 0 };

  async function start(): Promise<void> {
    if (child !== undefined) return;
    const started = spawn(process.execPath, [program], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, [brokerVariable]: JSON.stringify({ port, users, seed }) },
    });
    child = started;
    const failed = once(started, 'exit').then(() => Promise.reject(new Error('the broker ended before it listened')));
    const [told]: unknown[] = await Promise.race([once(started, 'message'), failed]);
    failed.catch(() => {});
    port = z.int().parse(told);
    started.send(orders);
  }

  await start();
  return {
    url: `mqtt://127.0.0.1:${port}`,
    start,
    async kill() {
      const running = child;
      if (running === undefined) return;
      child = undefined;
      const gone = once(running, 'exit');
      running.kill('SIGKILL');
      await gone;
      kills += 1;
    },
    err(given) {
      orders = { unruly: given };
      child?.send(orders);
    },
    async crash(crash, withinMs) {
      const running = child;
      if (running === undefined) return false;
      running.send({ ...orders, crash });
      const crashed = await once(running, 'exit', { signal: AbortSignal.timeout(withinMs) }).then(
        () => true,
        () => false,
      );
      if (crashed) {
        child = undefined;
        kills += 1;
        await start();
      } else running.send(orders);
      return crashed;
    },
    kills: () => kills,
  };
}
