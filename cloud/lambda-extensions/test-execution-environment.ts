import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { GetFunctionCommand, GetLayerVersionByArnCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { fromBufferPromise } from 'yauzl';
import { z } from 'zod';
import { accountVariables } from '../testing/account.ts';
import { account, client, type Keys } from '../testing/clients.ts';
import { eventually } from '../testing/eventually.ts';
import { http } from '../testing/http-request.ts';

const tools = z.object({
  [accountVariables.runtimeEmulator]: z.string(),
  [accountVariables.node24]: z.string(),
  NODE_EXTRA_CA_CERTS: z.string(),
});

export interface EnvironmentOptions {
  functionName: string;
  /** Of the function's role: all that runs in the environment has them. */
  keys?: Keys;
  /** Beside and over those of the function. */
  variables?: Record<string, string>;
  timeoutSeconds?: number;
  /** Changes what was deployed, for what a room has to withstand. */
  change?(folders: { opt: string; task: string }): void;
}

export interface ExecutionEnvironment {
  /** The environment's /tmp. */
  tmp: string;
  /** Waits for the function and all extensions. Where the environment could not start, status 502 and no answer. */
  invoke(event: unknown): Promise<{ status: number; answer: unknown; tookMs: number }>;
  /** All that emulator, runtime and extensions wrote. */
  log(): string;
  /** Ends the environment, as Lambda does one that nobody needs; answers when all of it has ended. */
  stop(): Promise<void>;
}

/**
 * A deployed function with its layers, taken from the account as they lie there, in an execution environment that AWS's
 * Runtime Interface Emulator runs. The environment has an /opt, a /tmp and a /var of its own, in a mount namespace.
 */
export async function startEnvironment(options: EnvironmentOptions): Promise<ExecutionEnvironment> {
  if (spawnSync('curl', ['--version']).status !== 0) {
    throw new Error('The scripts of this room call the Runtime API with curl. On Debian: apt-get install curl.');
  }
  const box = mkdtempSync(join(account.folder, 'environment-'));
  const inBox = (name: string) => join(box, name);
  const [opt, task, tmp, runtime] = [inBox('opt'), inBox('task'), inBox('tmp'), inBox('runtime')];
  for (const folder of [opt, task, tmp, runtime]) mkdirSync(folder);
  const { Configuration, Code } = await client(LambdaClient).send(
    new GetFunctionCommand({ FunctionName: options.functionName }),
  );
  await unpack(Code?.Location ?? '', task);
  for (const { Arn } of Configuration?.Layers ?? []) {
    const { Content } = await client(LambdaClient).send(new GetLayerVersionByArnCommand({ Arn }));
    await unpack(Content?.Location ?? '', opt);
  }
  options.change?.({ opt, task });

  const { NODE_EXTRA_CA_CERTS, ...emulator } = tools.parse(process.env);
  copyFileSync(join(import.meta.dirname, 'test-node-runtime.mjs'), join(runtime, 'index.mjs'));
  copyFileSync(NODE_EXTRA_CA_CERTS, join(runtime, 'authority.pem'));
  // As the start script of Lambda's own runtimes does it.
  const start = '#!/bin/bash\nexec $AWS_LAMBDA_EXEC_WRAPPER /var/lang/bin/node /var/runtime/index.mjs\n';
  writeFileSync(join(runtime, 'bootstrap'), start, { mode: 0o755 });
  copyFileSync(emulator[accountVariables.runtimeEmulator], join(runtime, 'emulator'));

  const [port, apiPort] = [await freePort(), await freePort()];
  const bootstrap = existsSync(join(opt, 'bootstrap')) ? '/opt/bootstrap' : '/var/runtime/bootstrap';
  const mounts = [
    'mount -t tmpfs tmpfs /var && mkdir /var/task /var/runtime /var/lang /var/lang/bin',
    `mount --bind '${emulator[accountVariables.node24]}' /var/lang/bin`,
    `mount --bind '${runtime}' /var/runtime && mount --bind '${task}' /var/task && mount --bind '${opt}' /opt`,
    // Last: the others lie below it.
    `mount --bind '${tmp}' /tmp && cd /var/task`,
  ];
  const emulated = `exec /var/runtime/emulator --log-level debug --runtime-interface-emulator-address 127.0.0.1:${port} --runtime-api-address 127.0.0.1:${apiPort} ${bootstrap} ${Configuration?.Handler}`;
  const logFile = inBox('environment.log');
  const log = openSync(logFile, 'a');
  const child = spawn('unshare', ['--mount', 'bash', '-c', [...mounts, emulated].join(' && ')], {
    stdio: ['ignore', log, log],
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('AWS_ENDPOINT_URL'))),
      PATH: '/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin',
      LAMBDA_TASK_ROOT: '/var/task',
      NODE_EXTRA_CA_CERTS: '/var/runtime/authority.pem',
      AWS_REGION: account.region,
      AWS_LAMBDA_FUNCTION_NAME: Configuration?.FunctionName ?? '',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(Configuration?.MemorySize),
      AWS_LAMBDA_FUNCTION_TIMEOUT: String(options.timeoutSeconds ?? Configuration?.Timeout),
      AWS_ACCESS_KEY_ID: options.keys?.accessKeyId ?? '',
      AWS_SECRET_ACCESS_KEY: options.keys?.secretAccessKey ?? '',
      AWS_SESSION_TOKEN: options.keys?.sessionToken ?? '',
      ...Configuration?.Environment?.Variables,
      ...options.variables,
    },
  });
  closeSync(log);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const readLog = () => readFileSync(logFile, 'utf8');

  return {
    tmp,
    log: readLog,
    async invoke(event) {
      const url = `http://127.0.0.1:${port}/2015-03-31/functions/function/invocations`;
      // It listens a moment after it was started.
      await eventually(() => connected(port));
      const startedAt = performance.now();
      const { status, body } = await http(url, { method: 'POST', body: JSON.stringify(event), limitMs: 30_000 });
      return { status, answer: parse(body), tookMs: performance.now() - startedAt };
    },
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** The emulator answers some failures with text, some with nothing. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

/** Unpacks a zip of the account, with the rights that its files have in it. */
async function unpack(location: string, folder: string): Promise<void> {
  // The account has TLS, whatever the address says.
  const answer = await fetch(location.replace(/^http:/, 'https:'));
  if (!answer.ok) throw new Error(`${location} answered ${answer.status}`);
  const archive = await fromBufferPromise(Buffer.from(await answer.arrayBuffer()));
  for await (const entry of archive.eachEntry()) {
    const path = join(folder, entry.fileName);
    if (entry.fileName.endsWith('/')) continue;
    mkdirSync(dirname(path), { recursive: true });
    const mode = (entry.externalFileAttributes >>> 16) & 0o777;
    writeFileSync(path, await buffer(await archive.openReadStreamPromise(entry)), { mode: mode === 0 ? 0o644 : mode });
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function connected(port: number): Promise<void> {
  await http(`http://127.0.0.1:${port}/`, { limitMs: 2_000 });
}
