import { z } from 'zod';
import { anomalyMessage } from '../../device/anomaly/anomaly.ts';
import { configSchema } from '../../device/config/schema.ts';

/** What happened to an incident: firing, updated and resolved of the anomaly message. */
export const incidentEventTypes = ['IncidentOpened', 'IncidentUpdated', 'IncidentResolved'] as const;

/** An anomaly of a device in the words of the business; the same envelope as that of the job events. */
export const incidentEvent = z.object({
  id: z.string().max(64).describe('`<occurrence>:<sequence>`: the same however often it is published.'),
  incidentId: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .describe('The occurrence: one breach from its begin to its end.'),
  eventCreated: z.iso.datetime().describe('When it happened at the device.'),
  eventType: z.enum(incidentEventTypes),
  eventSource: z.literal('anti-corruption-service'),
  eventDetails: anomalyMessage,
});
export type IncidentEvent = z.infer<typeof incidentEvent>;

/** Why a message on the topic of anomalies can never be an event. */
export const parkingReasons = [
  /** No JSON. */
  'not-an-anomaly',
  /** JSON, but not an anomaly of version 1. */
  'bad-schema',
  /** More bytes than any anomaly has. */
  'too-large',
  /** The device of the anomaly is not the thing that published it, nor one that this gateway speaks for. */
  'other-device',
  /** Its id does not follow from installation, key and sequence, or its rule is none that a device watches. */
  'wrong-identity',
] as const;
export type ParkingReason = (typeof parkingReasons)[number];

/** Bound of one request to the instance, ms: what a step may take, three of them, has to fit into one call of a function. */
export const mostTimeoutMs = 50_000;

/**
 * What the opener is set to: `serviceNow`, `handler` and `delivery` of a device's configuration, by the device's own schema,
 * so that one document describes an instance for both. What is left out has the device's default.
 */
export const openerConfiguration = configSchema
  .pick({ serviceNow: true, handler: true, delivery: true })
  .refine(({ serviceNow }) => serviceNow.timeoutMs <= mostTimeoutMs, {
    path: ['serviceNow', 'timeoutMs'],
    error: `The opener's functions end after three minutes and a step takes up to three requests: set at most ${mostTimeoutMs} ms.`,
  });
export type OpenerConfiguration = z.input<typeof openerConfiguration>;
