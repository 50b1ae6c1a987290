import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

function run(...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const command = ['--import', 'tsx', 'scripts/capacity/main.ts', ...args];
    const child = execFile(process.execPath, command, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'greengrass-itsm-capacity-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

describe('npm run capacity', () => {
  test('prints each figure with its formula and inputs, for three fleets where none is named', async () => {
    const { code, output } = await run();
    expect(output).toContain('1,000,000 devices');
    expect(output).toMatch(/shards +286 /);
    expect(output).toContain('Kinesis quota');
    expect(output).toMatch(/quota: IoT connections +1,000,000 – to raise/);
    expect(output).toMatch(/list price us-east-1, \d{4}-\d\d-\d\d/);
    expect(code).toBe(0);
  }, 60_000);

  const raw = [128, 512].map((memoryMb) => ({
    memoryMb,
    durationsMs: Array.from({ length: 5 }, () => 40_960 / memoryMb),
  }));
  const toolOutput = {
    ...{ power: '512', cost: 0.000_000_67, duration: 80 },
    stateMachine: { executionCost: 0.000_25, lambdaCost: 0.000_012 },
    stats: [
      { value: 128, averagePrice: 0.000_000_68, averageDuration: 320 },
      { value: 512, averagePrice: 0.000_000_67, averageDuration: 80 },
    ],
  };
  test.each([
    ['output of AWS Lambda Power Tuning', toolOutput],
    ['raw durations', raw],
  ])(
    'finds the best memory of a function from %s, and draws it',
    async (_, results) => {
      const path = folder();
      const file = join(path, 'results.json');
      writeFileSync(file, JSON.stringify(results));
      const chart = join(path, 'tuning.svg');
      const { code, output } = await run('--tuning', file, '--strategy', 'speed', '--chart', chart);
      expect(output).toContain('512 MB *');
      expect(readFileSync(chart, 'utf8')).toContain('Best: 512 MB, 80.0 ms');
      expect(code).toBe(0);
    },
    60_000,
  );

  test.each([
    [['--devices', '0'], 'A number above 0'],
    [['--chart', 'x.svg'], '--chart draws --tuning'],
    [['--run', 'package.json'], 'does not fit'],
    [['--tuning', 'nowhere.json'], 'nowhere.json cannot be read'],
  ])(
    'refuses %j',
    async (args, words) => {
      const { code, output } = await run(...args);
      expect(output).toContain(words);
      expect(code).toBe(2);
    },
    60_000,
  );
});
