import { z } from 'zod';

/** What the readings of the plant arrive on, and what it is called outside of the stack. */
export const names = {
  broker: 'plant',
  queue: 'myQueue',
  /** Secret of the user with whom Lambda reads: `{"username","password"}`. */
  consumerSecret: 'MQaccess',
  /** Secrets of the same form: of those who send, and of people at the broker's console. */
  producerSecret: 'MQproducer',
  operatorSecret: 'MQoperator',
  function: 'MQconsumer',
} as const;

/** A call: so many messages, or what came in the window. */
export const consumeCall = { size: 100, windowSeconds: 1 } as const;

/** Where ActiveMQ puts what was redelivered too often; its default for all queues. */
export const brokerDeadLetters = 'ActiveMQ.DLQ';

/** What Lambda sends for a batch of an ActiveMQ queue. Messages are parsed one by one: one that is none stops no other. */
export const mqEvent = z.object({
  eventSource: z.literal('aws:mq'),
  eventSourceArn: z.string().describe('ARN of the broker.'),
  messages: z.array(z.unknown()),
});

export const messageTypes = ['jms/text-message', 'jms/bytes-message'] as const;

/** Last millisecond of the year 9999, up to which instants of equal length are in text order. */
const lastInstantMs = 253_402_300_799_999;
const instantMs = z.int().min(0).max(lastInstantMs);

/** A message of that event. What nothing here reads is taken as it comes. */
export const mqMessage = z.object({
  messageID: z.string().min(1).max(512).describe("The sender's own name of it; the same whenever it comes again."),
  messageType: z.string().describe('JMS type of the body: see messageTypes.'),
  data: z.string().describe('The body in base64.'),
  redelivered: z.boolean().describe('Whether somebody was given it before.'),
  brokerInTime: instantMs.describe('When the broker took it, epoch ms; set anew when it is moved to another queue.'),
  destination: z.object({ physicalName: z.string() }).describe('Its queue.'),
  timestamp: instantMs
    .optional()
    .catch(undefined)
    .describe(
      'When its sender made it, epoch ms; 0 where it does not say. The same after it was moved between queues.',
    ),
  brokerOutTime: z.unknown().optional().describe('When the broker gave it, epoch ms.'),
  deliveryMode: z.unknown().optional().describe('1 not persistent, 2 persistent.'),
  correlationID: z.unknown().optional(),
  replyTo: z.unknown().optional(),
  type: z.unknown().optional().describe('JMSType, free text.'),
  expiration: z.unknown().optional().describe('When it is worthless, epoch ms; 0 never.'),
  priority: z.unknown().optional().describe('0 to 9.'),
  properties: z.unknown().optional().describe('Text by name.'),
});
export type MqMessage = z.infer<typeof mqMessage>;

/** Why a message can never be stored. */
export const parkingReasons = [
  /** Not what Lambda says a message is. */
  'not-a-message',
  /** Neither text nor bytes: a map, an object, a stream. */
  'unknown-type',
  /** The body is no base64. */
  'not-base64',
  /** Not JSON in UTF-8. */
  'not-a-reading',
  /** JSON, but not a reading of version 1. */
  'bad-schema',
  /** More bytes than any reading has. */
  'too-large',
  /** A number that DynamoDB cannot hold: 38 digits, 1e-130 to 1e126. */
  'number-out-of-range',
  /** It failed on several deliveries while others succeeded: the log says with what. */
  'failed-too-often',
] as const;
export type ParkingReason = (typeof parkingReasons)[number];
