import { z } from 'zod';
import { clockFields, namePart } from '../reading/reading.ts';

/** Rules that the monitor watches, and `device-silent`, `storm` and `broker-silent`, which the handler raises itself. */
export const monitorRules = ['upper', 'lower', 'rate-of-change', 'stuck', 'no-data', 'ewma'] as const;
export const handlerRules = ['device-silent', 'broker-silent', 'storm'] as const;
export const rules = [...monitorRules, ...handlerRules] as const;
export type Rule = (typeof rules)[number];

export const severities = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** Largest message that is read on any topic, bytes. */
export const maxMessageBytes = 8_000;

/**
 * Largest message that is sent, bytes: in base64, with its topic and headers, it stays below the 10,000 at which Greengrass
 * Nucleus Lite closes the connection.
 */
export const maxSentBytes = 7_000;

/**
 * What an occurrence is told by: severity and state are not part of it. `metric` is `*` where the rule speaks of the
 * whole sensor or device.
 */
export interface Key {
  site: string;
  deviceId: string;
  metric: string;
  rule: Rule;
}

/** Identity of an installation of the monitor (one data directory): the newer creation time wins. */
export const installationFields = {
  installationId: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .describe('Data directory of the monitor: random for each.'),
  installationCreatedAt: z.iso
    .datetime()
    .describe('When that was made; messages of an older installation are rejected.'),
};

const version = z.literal(1).describe('Version of this message.');
const site = namePart.describe('Where the device stands.');
const deviceId = namePart.describe('Device that this is about; under Greengrass its thing name.');

const metric = namePart.describe('What was measured; `*` where the rule speaks of the whole sensor or device.');
const rule = z.enum(rules).describe('Rule that was breached.');
const keyFields = { site, deviceId, metric, rule };

/** Readings around the breach, oldest first: `[epoch ms, value]`. Bounded so that the message stays under 8 KB. */
export const windowPoints = z.array(z.tuple([z.number(), z.number()])).max(240);

/**
 * `IoTBlog/anomaly`, version 1. Firing, updated and resolved are three sequences of one occurrence, whose id is
 * `occurrenceId(installationId, key, firingSequence)`.
 */
export const anomalyMessage = z.object({
  version,
  id: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .describe('Occurrence id, the same in all its messages.'),
  ...installationFields,
  ...keyFields,
  sequence: z.number().int().min(1).describe('Counts up per key within an installation; gaps are allowed.'),
  firingSequence: z.number().int().min(1).describe('Sequence of the occurrence’s firing message.'),
  phase: z.enum(['firing', 'updated', 'resolved']).describe('What happened to the occurrence.'),
  opener: z.enum(['edge', 'cloud']).describe('Who opens the incident; the other side only records.'),
  severity: z.enum(severities).describe('Severity now.'),
  unit: z.string().max(16).describe('Unit of value, limit and peak; empty where there is none.'),
  value: z.number().nullable().describe('Value of the latest reading; null where the rule has none (no-data).'),
  limit: z.number().nullable().describe('Limit in force that was breached.'),
  deadband: z.number().nullable().describe('How far back inside the limit a value must come to clear.'),
  peak: z.number().nullable().describe('Furthest value beyond the limit so far.'),
  startedAt: z.iso.datetime().describe('First breaching reading.'),
  endedAt: z.iso.datetime().nullable().describe('First clearing reading; null while it lasts.'),
  endReason: z
    .enum(['cleared', 'limit changed', 'rule removed', 'sensor removed', 'no longer known'])
    .nullable()
    .describe('Why it ended; null while it lasts.'),
  at: z.iso.datetime().describe('Event time of this message.'),
  text: z.string().max(300).describe('What happened, for people, without numbers that change.'),
  configVersion: z.string().max(64).describe('Short hash of the configuration that was in force.'),
  window: windowPoints.describe('Readings around the breach, oldest first: epoch ms and value.'),
  ...clockFields,
});

export type AnomalyMessage = z.infer<typeof anomalyMessage>;

/** `IoTBlog/anomaly/ack`, version 1: the handler's answer to one anomaly message. */
export const answerMessage = z.object({
  version,
  ...keyFields,
  installationId: installationFields.installationId,
  sequence: z.number().int().describe('Sequence of the message that is answered.'),
  result: z.enum(['accepted', 'duplicate', 'rejected']).describe('What became of it.'),
  reason: z.string().max(300).optional().describe('Why it was rejected, for people.'),
  highWater: z.number().int().min(0).describe('Highest sequence that the handler has accepted of this key.'),
  handlerId: z.string().max(64).describe('Handler that answers.'),
  at: z.iso.datetime().describe('When it was answered.'),
});

export type AnswerMessage = z.infer<typeof answerMessage>;

const statusFields = {
  version,
  site,
  deviceId,
  at: z.iso.datetime().describe('When it was sent.'),
  ...clockFields,
};

/** One key in a roll call. */
export const rollCallKey = z.object({
  metric,
  rule,
  lastSequence: z.number().int().min(0).describe('Highest sequence that the monitor has sent of this key.'),
  firing: z
    .object({
      id: z
        .string()
        .regex(/^[0-9a-f]{32}$/)
        .describe('Occurrence id.'),
      firingSequence: z.number().int().min(1).describe('Sequence of its firing message.'),
      severity: z.enum(severities).describe('Severity now.'),
      unit: z.string().max(16).describe('Unit of value, limit and peak.'),
      value: z.number().nullable().describe('Value of the latest reading.'),
      limit: z.number().nullable().describe('Limit in force that was breached.'),
      deadband: z.number().nullable().describe('How far back inside the limit a value must come to clear.'),
      peak: z.number().nullable().describe('Furthest value beyond the limit so far.'),
      startedAt: z.iso.datetime().describe('First breaching reading.'),
      text: z.string().max(300).describe('What happened, for people.'),
    })
    .nullable()
    .describe(
      'The occurrence that fires now, with all that a handler which lost its store needs to adopt it; or null.',
    ),
  waiting: z.boolean().describe('Whether messages of this key are still unanswered.'),
});

/** `IoTBlog/status/<device>`, version 1. */
export const deviceStatusMessage = z.discriminatedUnion('kind', [
  z.object({
    ...statusFields,
    ...installationFields,
    kind: z.literal('roll-call').describe('Every key of the device.'),
    software: z.string().max(64).describe('Name and version of the program.'),
    opener: z.enum(['edge', 'cloud']).optional().describe('Who opens incidents for this device; absent: edge.'),
    callId: z.string().min(1).max(64).describe('The same on all pages of one call.'),
    page: z.number().int().min(1).describe('Number of this page.'),
    pages: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .describe('How many pages the call has; it is acted on once all are there.'),
    keys: z.array(rollCallKey).max(200).describe('Keys on this page.'),
  }),
  z.object({
    ...statusFields,
    ...installationFields,
    kind: z.literal('heartbeat').describe('The device is alive.'),
    lastReadingAt: z.iso.datetime().nullable().describe('Its latest reading; null before the first.'),
    sensor: z.string().max(300).describe('State of the sensor, for people: `ok` or the fault.'),
  }),
  // The last will is written before the connection, so it has no honest stamps of its own.
  z.object({ version, kind: z.literal('offline').describe('The connection ended without a word.'), site, deviceId }),
]);

export type DeviceStatusMessage = z.infer<typeof deviceStatusMessage>;
export type RollCallKey = z.infer<typeof rollCallKey>;

/** `IoTBlog/status/handler`, version 1: told at each start, every heartbeat, and to a second handler that asks. */
export const handlerStatusMessage = z.object({
  version,
  kind: z.literal('handler').describe('The handler speaks of itself.'),
  handlerId: z.string().min(1).max(64).describe('The handler: one for each of its data directories.'),
  startId: z
    .string()
    .min(1)
    .max(64)
    .describe('Random for each start; a new one makes monitors resend and call the roll.'),
  startedAt: z.iso.datetime().describe('When it started; of two the older one serves the instance.'),
  instance: z.string().max(300).describe('ServiceNow instance and table that it writes to.'),
  state: z
    .enum(['claiming', 'active', 'passive'])
    .describe(
      'claiming: listening for another one. active: serves. passive: another one serves, and it writes nothing.',
    ),
  at: z.iso.datetime().describe('When it was sent.'),
});

export type HandlerStatusMessage = z.infer<typeof handlerStatusMessage>;
