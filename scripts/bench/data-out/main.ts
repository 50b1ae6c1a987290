import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { z } from 'zod';
import { breakEven, costADay, type DayCost, putsUsdADay } from '../../../cloud/data-out/cost-model.ts';
import { partBytes } from '../../../cloud/data-out/delivered.aws.ts';
import { prices } from '../../../cloud/data-out/prices.ts';
import { median } from '../median.ts';
import { benchSlice, readingsOf, transformFor } from './run.ts';

/**
 * How many MB/s one and two processors turn into rows, and what the post's day would cost with that: `npm run
 * bench:data-out`. Writes scripts/bench/data-out/measured.json.
 */
const sliceBytes = 16_000_000;
const runMs = 3_000;
const repeats = 3;

const runSchema = z.object({
  ...{ megabytes: z.number().positive(), seconds: z.number().positive() },
  ...{ cpuSeconds: z.number().positive(), outputRatio: z.number().positive() },
});
type Run = z.infer<typeof runSchema>;

/** A process of its own, as a function is. */
function worker(): Promise<Run> {
  const child = fork(import.meta.filename, {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, DATA_OUT_WORKER: '1' },
  });
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(runSchema.parse(message)));
    child.once('error', reject);
    child.once('exit', (code) => code === 0 || reject(new Error(`A worker ended with ${code}.`)));
  });
}

async function main(): Promise<void> {
  const runs: Run[] = [];
  const rates: number[] = [];
  for (const workers of [1, 2].filter((count) => count <= availableParallelism())) {
    const found: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      const together = await Promise.all(Array.from({ length: workers }, worker));
      runs.push(...together);
      found.push(together.reduce((sum, { megabytes, seconds }) => sum + megabytes / seconds, 0));
    }
    const rate = median(found);
    rates.push(rate);
    const [first = rate] = rates;
    console.log(
      `${workers} worker${workers > 1 ? 's' : ''}: ${rate.toFixed(1)} MB/s, ${(rate / workers).toFixed(1)} MB/s a core, ` +
        `${(rate / first).toFixed(2)} times one worker (${found.map((one) => one.toFixed(1)).join(', ')})`,
    );
  }
  const cpuSecondsAMb = runs.map(({ cpuSeconds, megabytes }) => cpuSeconds / megabytes);
  const measured = {
    takenOn: new Date().toISOString().slice(0, 10),
    on: `${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`,
    megabytesASecond: rates.map((rate) => Number(rate.toFixed(1))),
    cpuSecondsAMb: { low: Math.min(...cpuSecondsAMb), high: Math.max(...cpuSecondsAMb) },
    outputRatio: runs[0]?.outputRatio ?? 1,
  };
  const [least, most] = [measured.cpuSecondsAMb.high, measured.cpuSecondsAMb.low].map((seconds) => 1 / seconds);
  console.log(
    `${least?.toFixed(1)} to ${most?.toFixed(1)} MB a second of processor time: what other work of this machine leaves alone`,
  );
  writeFileSync(new URL('./measured.json', import.meta.url), `${JSON.stringify(measured, null, 2)}\n`);
  printDay(measured);
}

function printDay({
  cpuSecondsAMb,
  outputRatio,
}: {
  cpuSecondsAMb: { low: number; high: number };
  outputRatio: number;
}): void {
  const { low, high } = costADay({ cpuSecondsAMb, outputRatio, sliceBytes: benchSlice, partBytes });
  const { gbSecondsADay, mbAGbSecond } = breakEven();
  const day = ({ usd, lambdaUsd, putsUsd, requestsUsd, factor }: DayCost) =>
    `$${usd.toFixed(0)} a day (Lambda ${lambdaUsd.toFixed(2)}, PUTs ${putsUsd.toFixed(2)}, other requests ${requestsUsd.toFixed(2)}), ${factor.toFixed(2)} times $1,000`;
  console.log(
    `\n55 TB a day, computed, not measured; list prices us-east-1 of ${prices.dated}, slices of ${benchSlice / 1e6} MB:`,
  );
  console.log(`  at best   ${day(low)}: arm64, ${cpuSecondsAMb.low.toFixed(4)} CPU-s/MB`);
  console.log(`  at worst  ${day(high)}: x86, ${cpuSecondsAMb.high.toFixed(4)} CPU-s/MB`);
  console.log(
    `  $1,000 of x86 are ${(gbSecondsADay / 1e6).toFixed(1)} M GB-s: break-even at ${mbAGbSecond.toFixed(2)} MB/s a GB; ` +
      `PUTs of 100 MB $${putsUsdADay(100e6).toFixed(2)}, of 1 MB $${putsUsdADay(1e6).toFixed(0)} a day`,
  );
}

if (process.env['DATA_OUT_WORKER'] === '1') {
  process.send?.(await transformFor(readingsOf(sliceBytes), runMs));
} else {
  await main();
}
