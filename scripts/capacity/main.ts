import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { capacity } from '../../cloud/cost-optimization/capacity.ts';
import type { Figure, Fleet } from '../../cloud/cost-optimization/figure.ts';
import { type MeasuredEvents, measuredEvents, measuredRun } from '../../cloud/cost-optimization/measured-run.ts';
import { analyse, measurements, type Strategy } from '../../cloud/cost-optimization/power-tuning.ts';
import { priceBook } from '../../cloud/cost-optimization/price-book.ts';
import { configSchema } from '../../device/config/schema.ts';
import { AppError } from '../../device/platform/errors.ts';
import { table } from '../handler/table.ts';
import { number } from './number.ts';
import { tuningChartOption } from './tuning-chart-option.ts';

/** What is computed where no fleet is named. */
const examples = [10, 10_000, 1_000_000];
const defaults = configSchema.parse({});

/** `npm run capacity`: what a fleet needs and costs, each figure with its formula and inputs. Exit codes: 0 done, 1 failed, 2 wrong use. */
const program = new Command('capacity')
  .description('What a fleet needs of the cloud and costs a device a month; or the best memory of a function.')
  .option('--devices <number>', 'size of the fleet; default: 10, 10,000 and 1,000,000', positive)
  .option('--interval-ms <ms>', 'time between two readings of a device', positive, defaults.sensor.intervalMs)
  .option('--devices-per-site <number>', 'that the storm guard watches together', positive, 100)
  .option('--anomalies-per-day <number>', 'anomaly events of a device', positive, 3)
  .option('--notes-per-incident <number>', 'that the handler writes', positive, 1)
  .option('--shard-use <0..1>', 'share of a shard that is used on average', positiveShare, 0.7)
  .option('--events-run <file>', 'measured by bench/incident-events', 'scripts/bench/incident-events/measured.json')
  .option('--run <file>', 'measured by npm run bench:readings', 'scripts/bench/readings/measured.json')
  .option('--tuning <file>', 'instead: output of AWS Lambda Power Tuning, or [{ memoryMb, durationsMs }]')
  .addOption(new Option('--strategy <name>', 'of --tuning').choices(['cost', 'speed', 'balanced']).default('cost'))
  .option('--weight <0..1>', 'of cost, for --strategy balanced', share, 0.5)
  .option('--chart <file.svg>', 'draw --tuning into this file')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

interface Options {
  devices?: number;
  intervalMs: number;
  devicesPerSite: number;
  anomaliesPerDay: number;
  notesPerIncident: number;
  shardUse: number;
  run: string;
  eventsRun: string;
  tuning?: string;
  strategy: string;
  weight: number;
  chart?: string;
}

try {
  const options = program.opts<Options>();
  if (options.tuning !== undefined) await tune(options.tuning, options);
  else if (options.chart !== undefined) throw new AppError('wrong-use', '--chart draws --tuning: name its file.');
  else for (const devices of options.devices === undefined ? examples : [options.devices]) print(devices, options);
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  console.error(error.message);
  process.exitCode = error.reason === 'wrong-use' ? 2 : 1;
}

function print(devices: number, options: Options): void {
  const { storm, maxNewPerHour } = defaults.handler;
  const fleet: Fleet = {
    devices,
    readingIntervalMs: options.intervalMs,
    devicesPerSite: options.devicesPerSite,
    anomaliesPerDay: options.anomaliesPerDay,
    notesPerIncident: options.notesPerIncident,
    shardUse: options.shardUse,
    storm: { keys: storm.keys, windowMs: storm.windowMs, maxNewPerHour },
  };
  const { needs, quotas, cost } = capacity(fleet, {
    readings: readJson(options.run, measuredRun),
    events: eventsOf(options.eventsRun),
  });
  console.log(`${devices.toLocaleString('en')} devices\n`);
  console.log(table(['figure', 'value', 'formula', 'inputs'], [...needs, ...quotas, ...cost].map(row)));
  console.log('');
}

function row({ name, value, unit, formula, inputs }: Figure): string[] {
  const told = inputs.map((one) => `${one.name} ${number(one.value)} ${one.unit} (${one.source})`.replace('  ', ' '));
  return [name, `${number(value)} ${unit}`.trim(), formula, told.join('; ')];
}

async function tune(file: string, { strategy: kind, weight, chart }: Options): Promise<void> {
  const strategy: Strategy = kind === 'balanced' ? { kind, weight } : { kind: kind === 'speed' ? 'speed' : 'cost' };
  const result = analyse(readJson(file, measurements), strategy, priceBook.lambdaGbSecondUsd);
  const rows = result.points.map((point) => [
    `${point.memoryMb} MB${point === result.best ? ' *' : ''}`,
    `${number(point.durationMs)} ms`,
    `${number(point.usd * 1_000_000)} $`,
  ]);
  console.log(table(['memory (* best)', 'duration', 'a million invocations'], rows));
  if (chart === undefined) return;
  const { renderSvg } = await import('../../device/incident/chart/render-svg.ts');
  writeFileSync(chart, renderSvg(tuningChartOption(result), 420));
}

function eventsOf(file: string): MeasuredEvents | undefined {
  if (existsSync(file)) return readJson(file, measuredEvents);
  console.error(`${file} is not there: without it nothing is said of what incident events take of Lambda, DynamoDB and S3.
npx tsx scripts/bench/incident-events/main.ts measures it.`);
  return undefined;
}

/** @throws AppError `wrong-use` that names the file and what is wrong with it */
function readJson<S extends z.ZodType>(file: string, schema: S): z.output<S> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new AppError(
      'wrong-use',
      `${file} cannot be read as JSON. npm run bench:readings and scripts/bench/incident-events/main.ts write what was measured.`,
      {
        cause,
      },
    );
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new AppError('wrong-use', `${file} does not fit: ${z.prettifyError(parsed.error)}`);
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('A number above 0.');
  return value;
}

function positiveShare(text: string): number {
  const value = positive(text);
  if (value > 1) throw new InvalidArgumentError('A number above 0, at most 1.');
  return value;
}

function share(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0 || value > 1) throw new InvalidArgumentError('A number from 0 to 1.');
  return value;
}
