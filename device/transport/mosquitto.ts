import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { freePort } from '../platform/test-free-port.ts';
import type { TestFolder } from './mqtt-stage.ts';

/** Where Debian puts it, if not on the PATH; undefined where there is none. */
export const mosquittoBinary = ['mosquitto', '/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto'].find(
  (binary) => spawnSync(binary, ['-h'], { stdio: 'ignore' }).error === undefined,
);

export interface Mosquitto {
  port: number;
  stop(): Promise<void>;
}

/** A mosquitto of its own on loopback, with what the test adds to its configuration. Nothing of it stays on disk. */
export async function startMosquitto(binary: string, folder: TestFolder, settings: string[]): Promise<Mosquitto> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const config = [
      `listener ${port} 127.0.0.1`,
      'persistence false',
      'allow_anonymous false',
      'log_dest stderr',
      // Otherwise, started as root, it becomes a user that may not read the folder.
      `user ${userInfo().username}`,
      ...settings,
    ];
    const file = await folder.write(`mosquitto-${port}.conf`, `${config.join('\n')}\n`);
    const child = spawn(binary, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    const failure = await running(child);
    if (failure === undefined) return { port, stop: () => stop(child) };
    // Somebody else may have taken the port in between.
    if (attempt === 3) throw new Error(`mosquitto did not start: ${failure}`);
  }
}

/** Resolves once it takes connections; with its last words where it ended instead. */
function running(child: ChildProcess): Promise<string | undefined> {
  let words = '';
  return new Promise((resolve, reject) => {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-2_000);
      if (words.includes(' running')) resolve(undefined);
    });
    child.once('error', reject);
    child.once('exit', () => resolve(words));
  });
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

/** A line of mosquitto's password file: PBKDF2 with SHA-512, as mosquitto_passwd writes it. */
export function passwordLine(user: string, password: string): string {
  const [iterations, salt] = [101, randomBytes(12)];
  const hash = pbkdf2Sync(password, salt, iterations, 64, 'sha512');
  return `${user}:$7$${iterations}$${salt.toString('base64')}$${hash.toString('base64')}\n`;
}
