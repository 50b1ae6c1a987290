import { type Figure, type Fleet, type Input, input, type Load } from './figure.ts';
import type { Measured, MeasuredEvents } from './measured-run.ts';
import { priceBook, pricePages } from './price-book.ts';

const hoursAMonth = 730;
const secondsAMonth = hoursAMonth * 3_600;
const daysAMonth = hoursAMonth / 24;
const consumers = 3;
/** Time that Firehose collects for one object of the lake, s. */
const lakeBufferSeconds = 300;

/** What a device costs a month, by part, and in all. */
export function costs(fleet: Fleet, load: Load, measured: Measured): Figure[] {
  const { readings: run, events: eventRun } = measured;
  const bench = `measured ${run.takenOn}, ${run.on}`;
  const devices = input('devices', fleet.devices, '', '--devices');
  const interval = input('reading interval', fleet.readingIntervalMs / 1_000, 's', 'device configuration');
  const bytes = input('record', run.recordBytes, 'bytes', bench);
  const anomalies = input('anomaly events', fleet.anomaliesPerDay, 'a device a day', '--anomalies-per-day');
  const shards = input('shards', load.shards, '', 'above');
  const batch = input('readings a batch', load.batchReadings, '', 'above');
  const invocation = input('invocation', run.invocationMs, 'ms', bench);
  const memoryGb = input('memory', 0.25, 'GB', 'NodeFunction');

  const readings = secondsAMonth / interval.value;
  const events = anomalies.value * daysAMonth;
  const messageUnits = Math.ceil(bytes.value / priceBook.iotMessageBytes);
  const call: Call = {
    usd: priceBook.lambdaRequestUsd + (invocation.value / 1_000) * memoryGb.value * priceBook.lambdaGbSecondUsd,
    inputs: [invocation, memoryGb, price('request', 'lambdaRequestUsd'), price('GB-s', 'lambdaGbSecondUsd')],
  };
  const firehoseGb =
    (Math.ceil(bytes.value / priceBook.firehoseRecordBytes) * priceBook.firehoseRecordBytes) / 1024 ** 3;

  const parts: Figure[] = [
    perMonth(
      'IoT connection',
      (secondsAMonth / 60) * priceBook.iotConnectionMinuteUsd,
      'minutes a month × price',
      price('connected minute', 'iotConnectionMinuteUsd'),
    ),
    perMonth(
      'IoT messages and rules',
      (readings * messageUnits + events) * (priceBook.iotMessageUsd + priceBook.iotRuleUsd + priceBook.iotActionUsd),
      '(readings × units of 5 KB + anomaly events) × (message + rule + action)',
      ...[interval, bytes, anomalies],
      price('message', 'iotMessageUsd'),
      price('rule', 'iotRuleUsd'),
      price('action', 'iotActionUsd'),
    ),
    perMonth(
      'Kinesis',
      (load.shards * hoursAMonth * priceBook.kinesisShardHourUsd) / fleet.devices +
        readings * Math.ceil(bytes.value / priceBook.kinesisPutUnitBytes) * priceBook.kinesisPutUnitUsd,
      'shards × 730 h × price / devices + readings × units of 25 KB × price',
      ...[shards, devices, bytes],
      price('shard hour', 'kinesisShardHourUsd'),
      price('put unit', 'kinesisPutUnitUsd'),
    ),
    perMonth(
      'Lambda',
      (readings / load.batchReadings) * call.usd,
      'readings / readings a batch × (request + invocation × memory × GB-s)',
      ...[batch, ...call.inputs],
    ),
    perMonth(
      'DynamoDB',
      readings * Math.ceil(bytes.value / priceBook.dynamoWriteUnitBytes) * priceBook.dynamoWriteUnitUsd,
      'readings × units of 1 KB × price',
      bytes,
      price('write unit', 'dynamoWriteUnitUsd'),
    ),
    perMonth(
      'lake',
      readings *
        (messageUnits * (priceBook.iotRuleUsd + priceBook.iotActionUsd) + firehoseGb * priceBook.firehoseGbUsd) +
        ((secondsAMonth / lakeBufferSeconds) * 2 * priceBook.s3PutUsd) / fleet.devices,
      'readings × (units of 5 KB × (second rule + action) + record, upwards to 5 KB × GB) + month / buffer × 2 objects (raw, Parquet) / devices',
      ...[interval, bytes, devices, input('buffer', lakeBufferSeconds, 's', 'sensor-data-lake')],
      price('rule', 'iotRuleUsd'),
      price('action', 'iotActionUsd'),
      price('Firehose GB', 'firehoseGbUsd'),
      price('object', 's3PutUsd'),
    ),
    perMonth(
      'incident events: messages',
      events * (priceBook.snsFifoPublishUsd + consumers * 3 * priceBook.sqsFifoRequestUsd),
      'anomaly events × (publish + 3 consumers × 3 requests: send, receive, delete)',
      anomalies,
      price('publish', 'snsFifoPublishUsd'),
      price('FIFO request', 'sqsFifoRequestUsd'),
    ),
    ...(eventRun === undefined ? [] : eventCosts(events, anomalies, eventRun, call)),
  ];
  const total = parts.reduce((sum, { value }) => sum + value, 0);
  return [...parts, perMonth('all', total, 'the sum of the above')];
}

/** One call of a function. */
interface Call {
  usd: number;
  inputs: readonly Input[];
}

/** What the consumers of incident events take, as it was counted. */
function eventCosts(events: number, anomalies: Input, run: MeasuredEvents, call: Call): Figure[] {
  const bench = `measured ${run.takenOn}, ${run.on}, ${run.events} events`;
  const perEvent = (name: string, ...operations: string[]) => {
    const requests = operations.reduce((sum, operation) => sum + (run.requests[operation] ?? 0), 0);
    return input(name, requests / run.events, 'an event', bench);
  };
  const writes = perEvent('DynamoDB writes', 'PutItem', 'UpdateItem', 'DeleteItem');
  const reads = perEvent('DynamoDB reads', 'GetItem', 'Query');
  const objects = perEvent('objects', 'PUT s3');
  return [
    perMonth(
      'incident events: Lambda',
      events * (1 + consumers * objects.value) * call.usd,
      'anomaly events × (1 call that translates + 3 consumers × calls of analytics, each of which writes an object) × (request + invocation × memory × GB-s); invocation as of readings',
      ...[anomalies, objects, ...call.inputs],
    ),
    perMonth(
      'incident events: DynamoDB and S3',
      events *
        (writes.value * 2 * priceBook.dynamoWriteUnitUsd +
          reads.value * priceBook.dynamoReadUnitUsd +
          objects.value * priceBook.s3PutUsd),
      'anomaly events × (writes × 2, row and index + reads + objects), each of one unit',
      ...[anomalies, writes, reads, objects],
      price('write unit', 'dynamoWriteUnitUsd'),
      price('read unit', 'dynamoReadUnitUsd'),
      price('object', 's3PutUsd'),
    ),
  ];
}

function perMonth(name: string, value: number, formula: string, ...inputs: Input[]): Figure {
  return { name, value, unit: '$ a device a month', formula, inputs };
}

/** Small prices by the million. */
function price(name: string, key: keyof typeof pricePages): Input {
  const { page, dated } = pricePages[key];
  const usd = priceBook[key];
  const source = `list price ${priceBook.region}, ${dated}, ${page}`;
  return usd < 0.001 ? input(name, usd * 1_000_000, '$ a million', source) : input(name, usd, '$', source);
}
