import type { TransportState } from '../transport/transport.ts';
import type { MetricFamily } from './metrics.ts';

/** What health and metrics need of the monitor's status. */
export interface MonitorHealth {
  readings: {
    /** Handed over by the source. */
    read: number;
    published: number;
    /** Reads of the sensor that failed, and values that were not believed. */
    failed: number;
    /** Dropped from the buffer, oldest first, while offline. */
    dropped: number;
    /** In the buffer now. */
    buffered: number;
  };
  messages: {
    /** Anomalies without an answer yet. */
    waiting: number;
    /** Anomalies that the handler rejected, kept for a look. */
    rejected: number;
    /** Breaches that began and ended while the disk was full. */
    unreported: number;
  };
  /** AWS IoT Core, where it is a destination of its own beside the handler. */
  cloud?: {
    /** Anomalies: not taken yet, taken, lost; and why the latest attempt failed. */
    messages: { waiting: number; delivered: number; lost: number; refusal: string | undefined };
    readings: { published: number; failed: number; dropped: number; buffered: number };
  };
  /** Devices in memory: one, or those of a gateway. */
  devices: number;
  /** Breaches that last. */
  firing: number;
  /** Wall time of the latest reading; undefined before the first. */
  lastReadingAtMs: number | undefined;
  /** The sensor's fault in a sentence; undefined while it is good. */
  sensorFault: string | undefined;
  clockSynchronised: boolean;
  storeFull: boolean;
}

export interface ReadinessLimits {
  nowMs: number;
  /** A latest reading older than this is too old. */
  staleAfterMs: number;
}

/** Why the monitor does not watch, or is not heard; a sentence for each. */
export function monitorReasons(
  status: MonitorHealth,
  transport: TransportState,
  { nowMs, staleAfterMs }: ReadinessLimits,
): string[] {
  return [
    ...(transport.state === 'connected' ? [] : [`Not connected to the broker: ${transport.reason}.`]),
    ...readingReasons(status, nowMs, staleAfterMs),
    ...(status.storeFull ? ['The disk is full: new breaches are kept in memory only. Make room.'] : []),
  ];
}

function readingReasons(
  { sensorFault, lastReadingAtMs }: MonitorHealth,
  nowMs: number,
  staleAfterMs: number,
): string[] {
  if (sensorFault !== undefined) return [`The sensor is faulty: ${sensorFault}`];
  if (lastReadingAtMs === undefined) return ['No reading yet.'];
  const ageMs = nowMs - lastReadingAtMs;
  return ageMs > staleAfterMs ? [`The latest reading is ${Math.round(ageMs / 1_000)} s old.`] : [];
}

export const monitorFamilies: readonly MetricFamily<MonitorHealth>[] = [
  {
    name: 'itsm_readings_total',
    type: 'counter',
    help: 'Readings by what became of them: read, published, failed (no believable value), dropped (while offline).',
    label: 'result',
    read: ({ readings: { read, published, failed, dropped } }) => ({ read, published, failed, dropped }),
  },
  {
    name: 'itsm_readings_buffered',
    type: 'gauge',
    help: 'Readings that wait for the broker.',
    read: ({ readings }) => readings.buffered,
  },
  {
    name: 'itsm_last_reading_timestamp_seconds',
    type: 'gauge',
    help: 'Time of the latest reading, in Unix time.',
    read: ({ lastReadingAtMs }) => (lastReadingAtMs === undefined ? undefined : lastReadingAtMs / 1_000),
  },
  {
    name: 'itsm_sensor_up',
    type: 'gauge',
    help: '1 while the sensor gives readings, 0 while it is faulty.',
    read: ({ sensorFault, lastReadingAtMs }) => (sensorFault === undefined && lastReadingAtMs !== undefined ? 1 : 0),
  },
  {
    name: 'itsm_breaches_firing',
    type: 'gauge',
    help: 'Breaches that last; more than 1000 are not counted.',
    read: ({ firing }) => firing,
  },
  {
    name: 'itsm_unanswered_messages',
    type: 'gauge',
    help: 'Anomalies that the handler has not answered yet.',
    read: ({ messages }) => messages.waiting,
  },
  {
    name: 'itsm_rejected_messages',
    type: 'gauge',
    help: 'Anomalies that the handler rejected, kept for a look.',
    read: ({ messages }) => messages.rejected,
  },
  {
    name: 'itsm_unreported_breaches_total',
    type: 'counter',
    help: 'Breaches that began and ended while the disk was full, so that no incident tells of them.',
    read: ({ messages }) => messages.unreported,
  },
  {
    name: 'itsm_cloud_waiting_messages',
    type: 'gauge',
    help: 'Anomalies that AWS IoT Core has not taken yet, where it is a destination of its own (Greengrass).',
    read: ({ cloud }) => cloud?.messages.waiting,
  },
  {
    name: 'itsm_cloud_messages_total',
    type: 'counter',
    help: 'Anomalies for AWS IoT Core by what became of them: delivered, or lost (the oldest of too many, too large).',
    label: 'result',
    read: ({ cloud }) =>
      cloud === undefined ? {} : { delivered: cloud.messages.delivered, lost: cloud.messages.lost },
  },
  {
    name: 'itsm_cloud_refused',
    type: 'gauge',
    help: '1 while AWS IoT Core, or the nucleus on the way there, refuses anomalies.',
    read: ({ cloud }) => (cloud === undefined ? undefined : cloud.messages.refusal === undefined ? 0 : 1),
  },
  {
    name: 'itsm_cloud_readings_total',
    type: 'counter',
    help: 'Readings for AWS IoT Core by what became of them: published, failed (not allowed), dropped (while it is away).',
    label: 'result',
    read: ({ cloud }) => {
      if (cloud === undefined) return {};
      const { published, failed, dropped } = cloud.readings;
      return { published, failed, dropped };
    },
  },
  {
    name: 'itsm_devices',
    type: 'gauge',
    help: 'Devices whose readings are watched: one, or those of a gateway.',
    read: ({ devices }) => devices,
  },
  {
    name: 'itsm_clock_synchronised',
    type: 'gauge',
    help: '1 while the clock of the machine is synchronised.',
    read: ({ clockSynchronised }) => (clockSynchronised ? 1 : 0),
  },
  {
    name: 'itsm_store_full',
    type: 'gauge',
    help: '1 while the disk refuses writes.',
    read: ({ storeFull }) => (storeFull ? 1 : 0),
  },
];
