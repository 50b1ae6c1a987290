import { ingestCall } from '../stream-ingestion/contract.ts';
import { type Figure, type Fleet, input, type Load } from './figure.ts';
import type { MeasuredRun } from './measured-run.ts';

/** Limits of the services that no request to AWS raises. */
export const limits = {
  /** Amazon Kinesis Data Streams Developer Guide, "Quotas and limits". */
  shardRecordsPerSecond: 1_000,
  shardBytesPerSecond: 1_048_576,
  /**
   * A FIFO queue without high throughput takes so many requests of an action a second, whatever their groups (Amazon SQS
   * Developer Guide, "Troubleshoot FIFO throttling issues"): no group can pass more.
   */
  fifoRequestsPerSecond: 300,
} as const;

/**
 * How often the handler asks ServiceNow for one incident that goes well, and for each note on it;
 * `scripts/capacity/requests-an-incident.integration.test.ts` counts them.
 */
export const serviceNowRequests = {
  /**
   * Look-up, POST; look-up, PATCH of the recovery; look-up, PATCH that resolves it; and for the charts of its begin and its
   * end look-up, list of attachments, attachment.
   */
  anIncident: 12,
  /** Look-up, PATCH. */
  aNote: 2,
} as const;

export function needs(fleet: Fleet, load: Load, run: MeasuredRun): Figure[] {
  const bench = `measured ${run.takenOn}, ${run.on}`;
  const devices = input('devices', fleet.devices, '', '--devices');
  const interval = input('reading interval', fleet.readingIntervalMs / 1_000, 's', 'device configuration');
  const batch = input('readings a batch', load.batchReadings, '', 'above');
  const shards = input('shards', load.shards, '', 'above');
  const cap = input('new incidents of a handler', fleet.storm.maxNewPerHour, 'an hour', 'device configuration');
  const keys = input('keys of a storm', fleet.storm.keys, '', 'device configuration');
  const window = input('window of a storm', fleet.storm.windowMs / 60_000, 'min', 'device configuration');
  const incidentsAnHour = Math.min((keys.value * 60) / window.value, cap.value);
  const anIncident = serviceNowRequests.anIncident + fleet.notesPerIncident * serviceNowRequests.aNote;
  const counted = 'counted, requests-an-incident.integration.test.ts';
  return [
    {
      ...{ name: 'shards', value: load.shards, unit: '' },
      formula:
        'max(devices / interval / records a shard, devices / interval × record / bytes a shard) / use of a shard, upwards',
      inputs: [
        ...[devices, interval, input('record', run.recordBytes, 'bytes', bench)],
        input('records a shard', limits.shardRecordsPerSecond, '/s', 'Kinesis quota'),
        input('bytes a shard', limits.shardBytesPerSecond, '/s', 'Kinesis quota'),
        input('use of a shard', fleet.shardUse, '', '--shard-use'),
      ],
    },
    {
      ...{ name: 'readings a batch', value: load.batchReadings, unit: '' },
      formula: 'min(batch size, devices / interval / shards × window), at least 1',
      inputs: [
        ...[devices, interval, shards],
        input('batch size', ingestCall.size, '', 'stream-ingestion'),
        input('window', ingestCall.windowSeconds, 's', 'stream-ingestion'),
      ],
    },
    {
      ...{ name: 'concurrency', value: load.concurrency, unit: 'functions' },
      formula:
        'devices / interval / readings a batch × invocation, upwards; a batch that is not full is taken to last as long',
      inputs: [devices, interval, batch, input('invocation', run.invocationMs, 'ms', bench)],
    },
    {
      ...{ name: 'parallelization', value: Math.ceil(load.concurrency / load.shards), unit: 'batches a shard' },
      formula: 'concurrency / shards, upwards; Kinesis allows 10',
      inputs: [input('concurrency', load.concurrency, '', 'above'), shards],
    },
    {
      ...{ name: 'FIFO groups', value: Math.max(1, Math.ceil(load.anomaliesPerSecond / limits.fifoRequestsPerSecond)) },
      unit: 'at least',
      formula: 'devices × anomaly events / 86,400 s / messages a group, upwards; there is one a key',
      inputs: [
        devices,
        input('anomaly events', fleet.anomaliesPerDay, 'a device a day', '--anomalies-per-day'),
        input(
          'messages a group',
          limits.fifoRequestsPerSecond,
          '/s',
          'at most those of its queue: SQS Developer Guide, Troubleshoot FIFO throttling issues',
        ),
      ],
    },
    {
      ...{ name: 'ServiceNow requests', unit: 'an hour at most' },
      value: Math.ceil(fleet.devices / fleet.devicesPerSite) * incidentsAnHour * anIncident,
      formula:
        'devices / devices a site, upwards × min(keys of a storm × 60 min / window, new incidents) × (requests an incident + notes × requests a note)',
      inputs: [
        ...[devices, input('devices a site', fleet.devicesPerSite, '', '--devices-per-site'), keys, window, cap],
        input('requests an incident', serviceNowRequests.anIncident, '', counted),
        input('notes', fleet.notesPerIncident, 'an incident', '--notes-per-incident'),
        input('requests a note', serviceNowRequests.aNote, '', counted),
      ],
    },
  ];
}
