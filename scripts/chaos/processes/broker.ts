import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';
import { brokerVariable } from './broker-variable.ts';

/** The broker as a process: killed, it forgets everything and comes back on its port. */
export interface BrokerProcess {
  readonly url: string;
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Part of the messages that it loses, doubles and holds back from now on, each; 0 for none. */
  err(part: number): void;
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
  let part = 0;

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
    started.send(part);
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
      part = given;
      child?.send(given);
    },
    kills: () => kills,
  };
}
