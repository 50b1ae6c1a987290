import { z } from 'zod';
import { anomalyMessage, answerMessage, deviceStatusMessage, handlerStatusMessage } from '../anomaly/anomaly.ts';
import { readingMessage } from '../reading/reading.ts';
import {
  anomalyExample,
  answerExample,
  deviceStatusExamples,
  handlerStatusExample,
  readingExample,
} from './examples.ts';

/** One kind of message on the wire. */
export interface MessageKind {
  /** Of the schema's file, with the version: `anomaly.v1`. */
  name: string;
  title: string;
  /** By default; `topics` of the configuration names others. */
  topic: string;
  sender: string;
  /** When it is sent, and what the other side does with it. */
  when: string;
  schema: z.ZodType;
  examples: readonly unknown[];
}

export const messageKinds: readonly MessageKind[] = [
  {
    name: 'reading.v1',
    title: 'Reading',
    topic: 'IoTBlog/sensorData',
    sender: 'sensor monitor',
    when: 'For every sample. Kept in a bounded buffer while offline, oldest dropped first: a gap in `seq` is a lost reading.',
    schema: readingMessage,
    examples: [readingExample],
  },
  {
    name: 'anomaly.v1',
    title: 'Anomaly',
    topic: 'IoTBlog/anomaly',
    sender: 'sensor monitor',
    when: 'When a breach fires, when it has gone further (rate-limited; a change of severity at once), and when it is resolved. Durable at the monitor before it is sent, one unanswered message for each key, resent with backoff until it is answered.',
    schema: anomalyMessage,
    examples: [anomalyExample],
  },
  {
    name: 'answer.v1',
    title: 'Answer',
    topic: 'IoTBlog/anomaly/ack',
    sender: 'anomaly handler',
    when: 'For every anomaly message, after it has been committed. `accepted` and `duplicate` let the monitor go on to its next message of the key; `rejected` puts the message aside on both sides. A monitor whose own sequence is below `highWater` takes a new installation id.',
    schema: answerMessage,
    examples: [answerExample],
  },
  {
    name: 'device-status.v1',
    title: 'Device status',
    topic: 'IoTBlog/status/<device>',
    sender: 'sensor monitor',
    when: 'Kind `roll-call` at the monitor’s start, at each start of the handler and every 15 min, in as many pages as it needs; kind `heartbeat` every minute; kind `offline` is the last will, sent by the broker.',
    schema: deviceStatusMessage,
    examples: deviceStatusExamples,
  },
  {
    name: 'handler-status.v1',
    title: 'Handler status',
    topic: 'IoTBlog/status/handler',
    sender: 'anomaly handler',
    when: 'At its start, every 15 s, and to another handler that claims the same instance. A new `startId` makes monitors resend what is unanswered and call the roll.',
    schema: handlerStatusMessage,
    examples: [handlerStatusExample],
  },
];

/** The message as JSON Schema 2020-12. Unknown fields are allowed, as they are ignored. */
export function jsonSchemaOf({ name, title, schema }: MessageKind): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' });
  return { $schema, $id: `urn:greengrass-itsm:message:${name}`, title, ...rest };
}
