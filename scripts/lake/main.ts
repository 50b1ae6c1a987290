import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { AthenaClient } from '@aws-sdk/client-athena';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type LakeQuery, queries, selectionSql } from '../../cloud/sensor-data-lake/queries.ts';
import { queryAthena } from '../../cloud/shared/lake/query.aws.ts';
import type { QueryResult } from '../../cloud/shared/lake/query-result.ts';
import { AppError } from '../../device/platform/errors.ts';
import { openRoomStack, type RoomStackOptions } from '../cloud/room-stack.ts';
import { table } from '../handler/table.ts';
import { historyChartOption } from './history-chart-option.ts';
import { readable, toJson, toNdjson } from './result.ts';

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

/** `npm run lake`: asks the room sensor-data-lake. Exit codes: 0 done, 1 failed, 2 wrong use. */
const program = new Command('lake')
  .description('Asks the sensor data lake: prints a table or draws a chart.')
  .addOption(new Option('--query <name>', 'what to ask').choices(queries.map(({ name }) => name)).makeOptionMandatory())
  .option('--from <day>', 'first day, YYYY-MM-DD, UTC; default: six days ago', parseDay)
  .option('--to <day>', 'last day; default: today', parseDay)
  .option('--device <id>', 'only this device')
  .option('--metric <name>', 'only this metric, where the query has one')
  .option('--limit <rows>', 'rows at most, 1 to 100000', parseLimit, 10_000)
  .addOption(new Option('--format <name>', 'of what is printed').choices(['table', 'json', 'ndjson']).default('table'))
  .option('--chart <file.svg>', 'draw it into this file instead')
  .option('--local <folder>', 'ask Parquet files on disk, with no account: a copy of the bucket')
  .option('--stack <name>', 'stack of the room', 'SensorDataLakeStack')
  .option('--account <id>', 'AWS account, by the credentials of the environment; without it the local account')
  .option('--region <name>', 'of the AWS account')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

interface Options extends RoomStackOptions {
  query: string;
  from?: string;
  to?: string;
  device?: string;
  metric?: string;
  limit: number;
  format: string;
  chart?: string;
  local?: string;
}

async function lake(options: Options): Promise<void> {
  const query = queries.find(({ name }) => name === options.query);
  if (query === undefined) throw new AppError('wrong-use', `No query is called ${options.query}.`);
  const { device, metric, limit, chart: file } = options;
  if (metric !== undefined && !('metric' in query.columns)) {
    throw new AppError('wrong-use', `${query.name} has no metric: leave --metric out.`);
  }
  if (file !== undefined && query.chart === undefined) {
    const drawn = queries.filter(({ chart }) => chart !== undefined).map(({ name }) => name);
    throw new AppError('wrong-use', `${query.name} has no chart; these have: ${drawn.join(', ')}.`);
  }
  const from = options.from ?? dayAgo(6);
  const to = options.to ?? dayAgo(0);
  if (from > to) throw new AppError('wrong-use', `--from ${from} lies after --to ${to}.`);
  const sql = selectionSql(query, {
    ...{ from, to, limit: limit + 1 },
    ...(device === undefined ? {} : { device }),
    ...(metric === undefined ? {} : { metric }),
  });
  const found = await run(sql, options);
  const result = { ...found, rows: found.rows.slice(0, limit) };
  if (found.rows.length > limit) {
    console.error(`There are more than ${limit} rows: raise --limit, or narrow it with --from, --to and --device.`);
  }
  if (file !== undefined) return draw(query, result, file);
  if (options.format === 'json') process.stdout.write(toJson(result));
  else if (options.format === 'ndjson') process.stdout.write(toNdjson(result));
  else if (result.rows.length === 0) console.log(`No rows from ${from} to ${to}.`);
  else
    process.stdout.write(
      table(
        result.columns,
        result.rows.map((row) => row.map(readable)),
      ),
    );
}

async function run(sql: string, { local, ...roomStack }: Options): Promise<QueryResult> {
  if (local !== undefined) {
    // Native code, which nothing else here needs.
    const { queryFolder } = await import('./duckdb.ts');
    return queryFolder(local, sql);
  }
  const { where, output } = await openRoomStack(roomStack, 'sensor-data-lake');
  return queryAthena({
    athena: new AthenaClient(where),
    workgroup: output('WorkgroupName'),
    database: output('DatabaseName'),
    sql,
    sleep: (ms) => sleep(ms),
  });
}

async function draw({ title, chart }: LakeQuery, result: QueryResult, file: string): Promise<void> {
  if (chart === undefined || result.rows.length === 0) throw new AppError('no-rows', 'There is nothing to draw.');
  const { renderSvg } = await import('../../device/incident/chart/render-svg.ts');
  const { option, height } = historyChartOption({ title, chart }, result);
  writeFileSync(file, renderSvg(option, height));
  console.log(`${file}: ${result.rows.length} rows`);
}

function dayAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
}

function parseDay(text: string): string {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
  if (!isDay) throw new InvalidArgumentError('A day is written YYYY-MM-DD.');
  return text;
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100_000) {
    throw new InvalidArgumentError('It is a whole number from 1 to 100000.');
  }
  return limit;
}

lake(program.opts<Options>()).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof AppError && error.reason === 'wrong-use' ? 2 : 1;
});
