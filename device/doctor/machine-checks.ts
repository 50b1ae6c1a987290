import type { MachineClock } from '../monitor/machine-clock.ts';
import { sleep, type Time } from '../platform/time.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';
import type { Machine } from './machine.ts';

const topic = 'Machine';
/** Same as `engines.node` in package.json, and the releases that the tests run on. */
const least = { major: 20, minor: 19 };
const tested: readonly number[] = [20, 22, 24];

export function machineChecks(machine: Machine, clock: MachineClock, time: Time): Check[] {
  return [
    { name: '64-bit', topic, run: () => wordSize(machine.arch) },
    { name: 'Node.js', topic, run: () => nodeRelease(machine.nodeVersion) },
    { name: 'clock', topic, run: async () => clockFinding(await clockState(clock, time)) },
  ];
}

function wordSize(arch: string): Finding {
  if (arch === 'arm64' || arch === 'x64') return ok(arch);
  if (['arm', 'ia32', 'mips', 'mipsel', 'ppc', 's390'].includes(arch)) {
    return fail(
      `Node.js is a 32-bit program here (${arch})`,
      'Install the 64-bit Raspberry Pi OS: the SQLite and I²C libraries have 64-bit binaries only.',
    );
  }
  return warn(`${arch}, which is not tested`, 'Use a machine with arm64 or x64.');
}

function nodeRelease(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  if (major < least.major || (major === least.major && minor < least.minor)) {
    return fail(
      `${version}; at least ${least.major}.${least.minor} is needed`,
      `Install Node.js ${tested.at(-1)} (https://nodejs.org/en/download), then: npm ci`,
    );
  }
  if (tested.includes(major)) return ok(version);
  return warn(`${version}, which is not tested`, `Use one of Node.js ${tested.join(', ')}.`);
}

/** A machine's clock never waits for what it asks the system; here there is time for the answer. */
const clockAnswerMs = 2_000;
const pollMs = 50;

async function clockState(clock: MachineClock, time: Time): Promise<ReturnType<MachineClock['state']>> {
  for (const beganMs = time.monotonicMs(); time.monotonicMs() - beganMs < clockAnswerMs; ) {
    if (clock.state().source !== 'none') break;
    await sleep(time, pollMs);
  }
  return clock.state();
}

function clockFinding({ synchronised, source }: ReturnType<MachineClock['state']>): Finding {
  if (synchronised) return ok(`synchronised (${source})`);
  if (source === 'none') {
    return warn(
      'nothing tells whether the clock is synchronised',
      'sudo timedatectl set-ntp true, or install chrony: without it the times in incidents may be wrong.',
    );
  }
  return warn(
    `not synchronised (${source})`,
    'timedatectl status. Until it is, the times in incidents are corrected afterwards; TLS may fail meanwhile.',
  );
}
