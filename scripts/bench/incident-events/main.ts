import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type MeasuredEvents, measuredEvents } from '../../../cloud/cost-optimization/measured-run.ts';
import { chooseRooms } from '../../cloud/assembly.ts';
import { isInside } from '../../cloud/isolation.ts';
import { enterRun, prepareAndRunInside, startAndDeploy } from '../../cloud/local-run.ts';
import { consumers, type Load, type Measured, measure } from './measure.ts';

const defaultResult = 'scripts/bench/incident-events/measured.json';

/**
 * Events of incidents through the fan-out on the local account: whether each consumer takes the events of a key in the
 * order in which they were published, and whether the last tenth costs what the first did.
 * Exit codes: 0 all within the bounds, 1 not, 2 wrong use.
 */
const program = new Command('bench incident-events')
  .description('Order and cost of incident events on the local account.')
  .option('--events <n>', 'events to publish, a multiple of ten', parseCount, 10_000)
  .option('--keys <n>', 'devices that they are of', parseCount, 100)
  .addOption(new Option('--opener <who>', 'who opens their incidents').choices(['edge', 'cloud']).default('edge'))
  .option(
    '--result <file.json>',
    'what was measured for the edge as opener, where all is within the bounds',
    defaultResult,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();
const { events, keys, opener, result } = program.opts<{
  events: number;
  keys: number;
  opener: Load['opener'];
  result: string;
}>();

/** Within these the last tenth has to stay, as a ratio to the first. */
const bounds = { requests: 1.05, time: 1.5 };

if (isInside) {
  const { run, signal } = enterRun();
  const deployed = await startAndDeploy(run, chooseRooms(['incident-events']), signal);
  const measured = await measure(deployed, { count: events, keys, opener }, (line) => console.log(line));
  const isWithin = report(measured);
  if (isWithin && opener === 'edge') keep(measured);
  process.exit(isWithin ? 0 : 1);
} else {
  process.exit(await prepareAndRunInside(import.meta.filename));
}

function report({ tenths, operations, wrong, notOne }: Measured): boolean {
  const [first] = tenths;
  const last = tenths.at(-1);
  if (first === undefined || last === undefined) return false;
  const requests = last.requests / last.events / (first.requests / first.events);
  const time = last.ms / last.events / (first.ms / first.events);
  const isOrdered = consumers.every((consumer) => wrong[consumer] === 0) && notOne === 0;
  const isWithin = requests <= bounds.requests && requests >= 2 - bounds.requests && time <= bounds.time;
  console.log(`
keys in another order than published: ${consumers.map((consumer) => `${consumer} ${wrong[consumer]}`).join(', ')} of ${keys}${opener === 'cloud' ? `\nkeys without exactly one incident: ${notOne}` : ''}
requests of the consumers: ${Object.entries(operations)
    .map(([operation, count]) => `${operation} ${count}`)
    .join(', ')}
requests per 1,000 events: first tenth ${perThousand(first)}, last ${perThousand(last)}, ratio ${requests.toFixed(3)} (0.95 to ${bounds.requests})
time per event: first tenth ${(first.ms / first.events).toFixed(1)} ms, last ${(last.ms / last.events).toFixed(1)} ms, ratio ${time.toFixed(2)} (at most ${bounds.time})
${isOrdered && isWithin ? 'all within the bounds' : 'NOT within the bounds'}`);
  return isOrdered && isWithin;
}

function keep({ tenths, operations: requests }: Measured): void {
  const taken: MeasuredEvents = {
    takenOn: new Date().toISOString().slice(0, 10),
    on: `local account, ${cpus().length} cores`,
    ...{ events, keys, requests },
    tenths: tenths.map((one) => ({ ms: Math.round(one.ms), requests: one.requests })),
  };
  writeFileSync(result, `${JSON.stringify(measuredEvents.parse(taken), null, 2)}\n`);
  console.log(`kept in ${result}, which npm run capacity computes with`);
}

function perThousand({ requests, events: count }: Measured['tenths'][number]): string {
  return ((1_000 * requests) / count).toFixed(0);
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('Give a whole number above 0.');
  return Number(text);
}
