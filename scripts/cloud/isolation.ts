import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { AppError } from '../../device/platform/errors.ts';

/**
 * What runs on the account runs in a network namespace with nothing but loopback, so that no test reaches outside, ports
 * may be fixed and several runs go on at once; and in a process namespace, in which the kernel ends whatever is left
 * when the first process ends. This program starts itself anew inside; the channel between both is the leash: when it
 * breaks, because the outer one ended, was interrupted or was killed, the inner one stops.
 *
 * | outer    | inner                         | on SIGINT or SIGTERM outside      |
 * |----------|-------------------------------|-----------------------------------|
 * | running  | works                         | → stopping: the channel is closed |
 * | stopping | stops its parts, then exits   | → killed                          |
 * | killed   | is gone, with all it started  | –                                 |
 */
const namespaces = ['--map-root-user', '--net', '--pid', '--fork', '--kill-child'];
/** How long the inner one may take to stop, ms. */
const stopLimitMs = 6_000;
/** Set inside. */
const insideVariable = 'GREENGRASS_ITSM_ISOLATED';

export const isInside = process.env[insideVariable] === 'yes';

/**
 * Runs this program with the same arguments inside; answers its exit code.
 * @throws AppError `no-isolation` where the machine does not allow it
 */
export async function runInside(script: string, env: NodeJS.ProcessEnv): Promise<number> {
  checkAllowed();
  const inner = spawn(
    'unshare',
    [...namespaces, process.execPath, '--import', 'tsx', script, ...process.argv.slice(2)],
    {
      env: { ...process.env, ...env, [insideVariable]: 'yes' },
      // A group of its own: Ctrl-C is for the outer one, which stops the inner one in order.
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    },
  );
  let timer: NodeJS.Timeout | undefined;
  const onSignal = () => {
    if (inner.connected) {
      inner.disconnect();
      timer = setTimeout(() => inner.kill('SIGKILL'), stopLimitMs);
    } else inner.kill('SIGKILL');
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  const code = await ended(inner);
  clearTimeout(timer);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal);
  return code;
}

/** Inside: brings loopback up. The signal is aborted when the outer one wants an end, or has gone. */
export function enter(): AbortSignal {
  const up = spawnSync('ip', ['link', 'set', 'lo', 'up'], { encoding: 'utf8' });
  if (up.status !== 0) {
    const why = up.error?.message ?? up.stderr.trim();
    throw new AppError(
      'no-isolation',
      `Loopback could not be brought up (${why}). On Debian: apt-get install iproute2.`,
    );
  }
  const abort = new AbortController();
  process.once('disconnect', () => abort.abort());
  if (!process.connected) abort.abort();
  // The first process of a namespace has no default for signals; these come from the machine's shutdown.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => abort.abort());
  process.channel?.unref();
  return abort.signal;
}

function checkAllowed(): void {
  const probe = spawnSync('unshare', [...namespaces, 'true'], { encoding: 'utf8' });
  if (probe.status === 0) return;
  const why = probe.error?.message ?? probe.stderr.trim();
  throw new AppError(
    'no-isolation',
    [
      `The local account runs in a network namespace of its own, and this machine does not allow one (${why}).`,
      'On Linux as a user: sysctl -w kernel.unprivileged_userns_clone=1 (Debian), or',
      'kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu). In a container: give it CAP_SYS_ADMIN or',
      '--security-opt seccomp=unconfined. The program `unshare` is in util-linux.',
    ].join('\n'),
  );
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
