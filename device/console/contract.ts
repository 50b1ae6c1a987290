import { z } from 'zod';
import { rules, severities } from '../anomaly/anomaly.ts';
import { longestSilenceMs } from '../incident/silence.ts';
import { entryKinds } from '../outbox/entry.ts';
import { namePart } from '../reading/reading.ts';

/**
 * What the console's server and its page tell each other, said once for both. Instants are epoch ms of the handler's event
 * time: the recording's in a replay.
 */

const instant = z.number();

export const ruleView = z.object({
  rule: z.enum(rules),
  /**
   * firing: told. pending: beyond the limit, not for long enough yet. ok: inside it. watched: what it judges cannot be
   * told from here. unknown: the sensor or device does not speak, so it neither fires nor ends.
   */
  state: z.enum(['firing', 'pending', 'ok', 'watched', 'unknown']),
  /** Why, for people. */
  reason: z.string(),
  severity: z.enum(severities).nullable(),
  sinceMs: instant.nullable(),
  /** The breach that fires. */
  breachId: z.string().nullable(),
});

export const metricView = z.object({
  metric: namePart,
  unit: z.string(),
  value: z.number().nullable(),
  atMs: instant.nullable(),
  upper: z.number().nullable(),
  lower: z.number().nullable(),
  deadband: z.number(),
  /** Who says the limits: this handler's own configuration, the latest message of the device, or nobody. */
  limitsFrom: z.enum(['configuration', 'message', 'nobody']),
  rules: z.array(ruleView),
});

export const deviceView = z.object({
  site: namePart,
  deviceId: namePart,
  /** Latest heartbeat or reading; null while neither came in since the handler's start. */
  heardAtMs: instant.nullable(),
  lastReadingAtMs: instant.nullable(),
  /** The monitor's words: `ok` or the fault; null before its first heartbeat. */
  sensor: z.string().nullable(),
  clockSynchronised: z.boolean().nullable(),
  metrics: z.array(metricView),
  /** Rules that speak of the whole sensor or device. */
  rules: z.array(ruleView),
});

export const breachView = z.object({
  id: z.string(),
  correlationId: z.string(),
  site: z.string(),
  deviceId: z.string(),
  metric: z.string(),
  rule: z.enum(rules),
  severity: z.enum(severities),
  unit: z.string(),
  value: z.number().nullable(),
  limit: z.number().nullable(),
  peak: z.number().nullable(),
  startedAtMs: instant,
  endedAtMs: instant.nullable(),
  endReason: z.string().nullable(),
  /** It lasts, and a silence holds back what is told of it. */
  isSilenced: z.boolean(),
  /** Where it stands on its way into an incident, for people. */
  standing: z.string(),
  incident: z.object({ number: z.string(), url: z.string() }).nullable(),
});

export const silenceView = z.object({
  id: z.string(),
  site: z.string().nullable(),
  deviceId: z.string().nullable(),
  metric: z.string().nullable(),
  rule: z.string().nullable(),
  author: z.string(),
  reason: z.string(),
  startsAtMs: instant,
  endsAtMs: instant,
});

export const outboxView = z.object({
  /** What waits, quiet periods among it. */
  waiting: z.number(),
  /** Keys with something that is due now. */
  dueKeys: z.number(),
  inFlightKeys: z.number(),
  /** Age of the oldest thing that waits, ms; null where nothing does, or where its age is not known. */
  oldestAgeMs: z.number().nullable(),
  gate: z.enum(['open', 'paused', 'probing']),
  gateReason: z.string().nullable(),
  settlingMs: z.number(),
  deadLetters: z.number(),
  aside: z.number(),
  rejectedMessages: z.number(),
});

export const overview = z.object({
  nowMs: instant,
  software: z.string(),
  claim: z.enum(['claiming', 'active', 'passive']),
  servedBy: z.string().nullable(),
  instance: z.string(),
  instanceUrl: z.string(),
  /** Null while connected. */
  brokerFault: z.string().nullable(),
  storeFull: z.boolean(),
  historyMs: z.number(),
  devices: z.array(deviceView),
  /** Readings that were not kept: of devices beyond the bound, or with stamps that cannot be. */
  readingsRefused: z.object({ outOfRange: z.number(), noRoom: z.number() }),
  outbox: outboxView,
  breaches: z.array(breachView),
  silences: z.array(silenceView),
});

/** What came in since the last such event. */
export const liveValues = z.object({
  nowMs: instant,
  devices: z.array(
    z.object({
      site: z.string(),
      deviceId: z.string(),
      /** Latest value and its instant, with the extremes since the last event. */
      metrics: z.array(
        z.object({ metric: z.string(), atMs: instant, value: z.number(), min: z.number(), max: z.number() }),
      ),
    }),
  ),
});

export const deviceSeries = z.object({
  site: z.string(),
  deviceId: z.string(),
  fromMs: instant,
  toMs: instant,
  /** Longer without a point, and there was none: the curve has a gap. */
  gapMs: z.number(),
  series: z.array(
    z.object({
      metric: z.string(),
      /** `[epoch ms, least, greatest, mean]`, ascending. */
      points: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])),
    }),
  ),
});

export const deadLetters = z.array(
  z.object({
    id: z.number().int(),
    kind: z.enum(entryKinds),
    correlationId: z.string(),
    attempts: z.number(),
    error: z.string(),
    breach: breachView.nullable(),
  }),
);

export const configurationInForce = z.object({
  version: z.string(),
  /** When it came into force, epoch ms. */
  sinceMs: z.number(),
  /** Why the deployment's latest configuration is not the one in force. */
  refused: z.object({ atMs: z.number(), reason: z.string() }).nullable(),
  fields: z.array(
    z.object({
      path: z.string(),
      value: z.string(),
      unit: z.string(),
      layer: z.string(),
      description: z.string(),
    }),
  ),
});

export const redriveRequest = z.strictObject({
  ids: z.union([z.literal('all'), z.array(z.number().int().min(1)).min(1).max(1_000)]),
});

export const silenceRequest = z.strictObject({
  site: namePart.nullable(),
  deviceId: namePart.nullable(),
  metric: namePart.nullable(),
  rule: z.enum(rules).nullable(),
  author: z.string().trim().min(1, 'say who sets it').max(100),
  reason: z.string().trim().min(1, 'say why').max(500),
  durationMs: z.number().int().min(60_000, 'at least a minute').max(longestSilenceMs, 'at most 31 days'),
});

/** Every refusal of the API. */
export const refusal = z.object({ error: z.string() });

export type RuleView = z.infer<typeof ruleView>;
export type MetricView = z.infer<typeof metricView>;
export type DeviceView = z.infer<typeof deviceView>;
export type BreachView = z.infer<typeof breachView>;
export type SilenceView = z.infer<typeof silenceView>;
export type OutboxView = z.infer<typeof outboxView>;
export type Overview = z.infer<typeof overview>;
export type LiveValues = z.infer<typeof liveValues>;
export type DeviceSeries = z.infer<typeof deviceSeries>;
export type DeadLetters = z.infer<typeof deadLetters>;
export type ConfigurationInForce = z.infer<typeof configurationInForce>;
export type SilenceRequest = z.infer<typeof silenceRequest>;
