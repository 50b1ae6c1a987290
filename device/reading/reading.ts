import { z } from 'zod';

/** Values by metric name (`temperature` in °C, `humidity` in %RH, `pressure` in hPa, or what a gateway's devices send). */
export type Metrics = Readonly<Record<string, number>>;

/** One sample of one device, as it goes through the monitor. */
export interface Reading {
  site: string;
  deviceId: string;
  /** Instant of the sample, epoch ms, by the clock that also drives event time. */
  atMs: number;
  /** Monotonic instant of the sample in the boot `bootId`, ms. Durations are measured with it. */
  monotonicMs: number;
  /** Counts up per device within one run of the monitor; gaps are lost readings. */
  seq: number;
  metrics: Metrics;
  /** Uncompensated values, where compensation is on. */
  raw?: Metrics;
}

/** What every message says of its stamps: see "Clocks" in device/README.md. */
export const clockFields = {
  bootId: z
    .string()
    .min(1)
    .max(64)
    .describe('Random for each boot of the machine; monotonicMs compares only within one.'),
  monotonicMs: z.number().min(0).describe('Monotonic instant of the message in that boot, ms.'),
  clockSynchronised: z.boolean().describe('Whether wall time was known to be right when the stamps were made.'),
  clockSource: z.string().max(32).describe('Who says so: timesyncd, chrony, recording, none.'),
};

/** A part of a key: what may stand in `site`, `deviceId`, `metric`. */
export const namePart = z
  .string()
  .min(1)
  .max(128)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  .regex(/^[^\u0000-\u001f\u007f]+$/, 'control characters are not allowed')
  // JSON can escape half of a surrogate pair, and no key can be percent-encoded from it.
  .refine((text) => !/\p{Surrogate}/u.test(text), 'half a surrogate pair is not allowed');

/** `IoTBlog/sensorData`, version 1. Unknown fields are ignored. */
export const readingMessage = z.object({
  version: z.literal(1).describe('Version of this message.'),
  site: namePart.describe('Where the device stands.'),
  deviceId: namePart.describe('Device that was measured; under Greengrass its thing name.'),
  ts: z.iso.datetime().describe('Instant of the sample, ISO 8601 UTC.'),
  seq: z.number().int().min(0).describe('Counts up per device within one run of the monitor; gaps are lost readings.'),
  metrics: z.record(namePart, z.number()).describe('Values by metric: temperature °C, humidity %RH, pressure hPa.'),
  raw: z.record(namePart, z.number()).optional().describe('Values before compensation, where it is on.'),
  ...clockFields,
});

export type ReadingMessage = z.infer<typeof readingMessage>;
