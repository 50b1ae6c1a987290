import type { MeasuredRun } from './measured-run.ts';
import { priceBook } from './price-book.ts';

/** A number that a formula takes, with where it is from. */
export interface Input {
  name: string;
  value: number;
  unit: string;
  source: string;
}

/** A number that a formula gives, with the formula in words. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  formula: string;
  inputs: readonly Input[];
}

export interface Fleet {
  devices: number;
  /** Time between two readings of a device, ms. */
  readingIntervalMs: number;
  /** Devices of one site, which the storm guard watches together. */
  devicesPerSite: number;
  /** Anomaly events (firing, still, resolved) of a device a day. */
  anomaliesPerDay: number;
  /** The storm guard of a site's handler, and its cap on new incidents. */
  storm: { keys: number; windowMs: number; maxNewPerHour: number };
}

/** Documented limits of the services, and how often ServiceNow is asked for one incident. */
export const limits = {
  shardRecordsPerSecond: 1_000,
  shardBytesPerSecond: 1_048_576,
  /** Messages a second of one group of a FIFO queue, without batching, in high throughput. */
  fifoMessagesPerSecondPerGroup: 300,
  /** Look-up, opening, resolving. */
  serviceNowRequestsPerIncident: 3,
} as const;

const secondsAMonth = 730 * 3_600;

/**
 * What a fleet needs, and what it costs a device a month. Each figure stands beside its inputs, so that whoever doubts one
 * may put in another.
 */
export function capacity(fleet: Fleet, run: MeasuredRun): { needs: readonly Figure[]; cost: readonly Figure[] } {
  const bench = `measured ${run.takenOn}, ${run.on}`;
  const price = `list price ${priceBook.region}, ${priceBook.dated}`;
  const devices = input('devices', fleet.devices, '', '--devices');
  const interval = input('reading interval', fleet.readingIntervalMs / 1_000, 's', 'device configuration');
  const bytes = input('record', run.recordBytes, 'bytes', bench);
  const batchReadings = input('readings a batch', run.batchReadings, '', bench);
  const invocationMs = input('invocation', run.invocationMs, 'ms', bench);
  const readingsPerSecond = fleet.devices / interval.value;

  const shardRecords = input('records a shard', limits.shardRecordsPerSecond, '/s', 'Kinesis quota');
  const shardBytes = input('bytes a shard', limits.shardBytesPerSecond, '/s', 'Kinesis quota');
  const shards = Math.max(
    1,
    Math.ceil(Math.max(readingsPerSecond / shardRecords.value, (readingsPerSecond * bytes.value) / shardBytes.value)),
  );
  const busy = (readingsPerSecond / batchReadings.value) * (invocationMs.value / 1_000);
  const concurrency = Math.max(1, Math.ceil(busy));
  const sites = Math.ceil(fleet.devices / fleet.devicesPerSite);
  const keys = input('keys of a storm', fleet.storm.keys, '', 'device configuration');
  const window = input('window of a storm', fleet.storm.windowMs / 60_000, 'min', 'device configuration');
  const perSite = input('devices a site', fleet.devicesPerSite, '', '--devices-per-site');
  const perIncident = input(
    'requests an incident',
    limits.serviceNowRequestsPerIncident,
    '',
    'look-up, opening, resolving',
  );
  const groupRate = input('messages a group', limits.fifoMessagesPerSecondPerGroup, '/s', 'SQS FIFO quota');
  const anomalies = input('anomaly events', fleet.anomaliesPerDay, 'a device a day', '--anomalies-per-day');
  const anomaliesPerSecond = (fleet.devices * anomalies.value) / 86_400;
  const cap = input('new incidents of a handler', fleet.storm.maxNewPerHour, 'an hour', 'device configuration');
  const incidentsAnHour = Math.min((keys.value * 60) / window.value, cap.value);

  const needs: Figure[] = [
    {
      ...{ name: 'shards', value: shards, unit: '' },
      formula: 'max(devices / interval / records a shard, devices / interval × record / bytes a shard), upwards',
      inputs: [devices, interval, bytes, shardRecords, shardBytes],
    },
    {
      ...{ name: 'concurrency', value: concurrency, unit: 'functions' },
      formula: 'devices / interval / readings a batch × invocation, upwards',
      inputs: [devices, interval, batchReadings, invocationMs],
    },
    {
      ...{ name: 'parallelization', value: Math.ceil(concurrency / shards), unit: 'batches a shard' },
      formula: 'concurrency / shards, upwards; Kinesis allows 10',
      inputs: [input('concurrency', concurrency, '', 'above'), input('shards', shards, '', 'above')],
    },
    {
      ...{ name: 'FIFO groups', value: Math.max(1, Math.ceil(anomaliesPerSecond / groupRate.value)), unit: 'at least' },
      formula: 'devices × anomaly events / 86,400 s / messages a group, upwards; there is one a key',
      inputs: [devices, anomalies, groupRate],
    },
    {
      ...{
        name: 'ServiceNow requests',
        value: sites * incidentsAnHour * perIncident.value,
        unit: 'an hour at most',
      },
      formula:
        'devices / devices a site, upwards × min(keys of a storm × 60 min / window, new incidents) × requests an incident',
      inputs: [devices, perSite, keys, window, cap, perIncident],
    },
  ];

  const readings = secondsAMonth / interval.value;
  const perMonth = (name: string, value: number, formula: string, ...inputs: Input[]): Figure => ({
    ...{ name, value, unit: '$ a device a month', formula, inputs },
  });
  const usd = (name: string, value: number) => input(name, value * 1_000_000, '$ a million', price);
  const memoryGb = input('memory', 0.25, 'GB', 'NodeFunction');
  const events = anomalies.value * 30.4;
  const parts: Figure[] = [
    perMonth(
      'IoT connection',
      (secondsAMonth / 60) * priceBook.iotConnectionMinuteUsd,
      'minutes a month × price',
      usd('connected minute', priceBook.iotConnectionMinuteUsd),
    ),
    perMonth(
      'IoT messages and rules',
      (readings + events) * (priceBook.iotMessageUsd + priceBook.iotRuleUsd + priceBook.iotActionUsd),
      '(readings + anomaly events) × (message + rule + action)',
      interval,
      anomalies,
      usd('message', priceBook.iotMessageUsd),
      usd('rule', priceBook.iotRuleUsd),
      usd('action', priceBook.iotActionUsd),
    ),
    perMonth(
      'Kinesis',
      (shards * 730 * priceBook.kinesisShardHourUsd) / fleet.devices +
        readings * Math.ceil(bytes.value / priceBook.kinesisPutUnitBytes) * priceBook.kinesisPutUnitUsd,
      'shards × 730 h × price / devices + readings × units of 25 KB × price',
      devices,
      input('shard hour', priceBook.kinesisShardHourUsd, '$', price),
      usd('put unit', priceBook.kinesisPutUnitUsd),
    ),
    perMonth(
      'Lambda',
      (readings / batchReadings.value) *
        (priceBook.lambdaRequestUsd + (invocationMs.value / 1_000) * memoryGb.value * priceBook.lambdaGbSecondUsd),
      'readings / readings a batch × (request + invocation × memory × GB-s)',
      batchReadings,
      invocationMs,
      memoryGb,
      usd('request', priceBook.lambdaRequestUsd),
      usd('GB-s', priceBook.lambdaGbSecondUsd),
    ),
    perMonth(
      'DynamoDB',
      readings * Math.ceil(bytes.value / priceBook.dynamoWriteUnitBytes) * priceBook.dynamoWriteUnitUsd,
      'readings × units of 1 KB × price',
      bytes,
      usd('write unit', priceBook.dynamoWriteUnitUsd),
    ),
    perMonth(
      'incident events',
      events * (priceBook.snsFifoPublishUsd + 3 * 3 * priceBook.sqsFifoRequestUsd),
      'anomaly events × (publish + 3 consumers × 3 requests: send, receive, delete)',
      anomalies,
      usd('publish', priceBook.snsFifoPublishUsd),
      usd('FIFO request', priceBook.sqsFifoRequestUsd),
    ),
  ];
  const total = parts.reduce((sum, { value }) => sum + value, 0);
  return { needs, cost: [...parts, perMonth('all', total, 'the sum of the above')] };
}

function input(name: string, value: number, unit: string, source: string): Input {
  return { name, value, unit, source };
}
