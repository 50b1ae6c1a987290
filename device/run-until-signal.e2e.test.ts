import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

const program = (part: string) => `
  import { createLogger } from './device/platform/logger.ts';
  import { systemTime } from './device/platform/time.ts';
  import { createRuntime } from './device/runtime.ts';
  import { runUntilSignal } from './device/run-until-signal.ts';
  const runtime = createRuntime({ time: systemTime, logger: createLogger({ level: 'silent' }) });
  await runUntilSignal(runtime, async () => {
    await runtime.start('the part', ${part});
    process.stdout.write('runs\\n');
    return undefined;
  });
`;
/** Holds the process, as a server does. */
const good = `{ start() { this.timer = setInterval(() => {}, 1e6); }, stop() { process.stdout.write('stopped\\n'); } }`;
const hanging = `{ start() { setInterval(() => {}, 1e6); }, stop: () => { process.stdout.write('asked\\n'); return new Promise(() => {}); } }`;

function run(part: string) {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program(part)]);
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    output.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.err += chunk;
  });
  const shows = (text: string) => expect.poll(() => output.out + output.err, { timeout: 15_000 }).toContain(text);
  return { child, output, shows };
}

async function codeOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends the process in order with 0', async (signal) => {
  const { child, output, shows } = run(good);
  await shows('runs');
  child.kill(signal);
  expect(await codeOf(child)).toBe(0);
  await shows('stopped');
  expect(output.err).toBe('');
});

test('a part that hangs holds the process for two seconds at most, and is named', async () => {
  const { child, shows } = run(hanging);
  await shows('runs');
  const askedMs = performance.now();
  child.kill('SIGTERM');
  expect(await codeOf(child)).toBe(1);
  expect(performance.now() - askedMs).toBeLessThan(3_000);
  await shows('The part did not stop within 1500 ms.');
});

test('a second signal ends the process at once', async () => {
  const { child, shows } = run(hanging);
  await shows('runs');
  child.kill('SIGTERM');
  await shows('asked');
  child.kill('SIGINT');
  expect(await codeOf(child)).toBe(130);
});
