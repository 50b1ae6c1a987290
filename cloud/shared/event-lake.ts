import type { QueuedMessage } from './sqs-event.ts';

/** An object of the lake: a batch of events, one JSON a line (NDJSON), in the order of their queue. */
export interface LakeObject {
  /** `YYYY/M/D/<first message>-<last message>.ndjson`: the same batch goes to the same object, however often it comes. */
  key: string;
  body: string;
}

/** @param day Instant of the first event, ISO 8601: the batch lies under its day (UTC), and not under that of its arrival. */
export function lakeObject(
  messages: readonly Pick<QueuedMessage, 'messageId' | 'body'>[],
  day: string,
): LakeObject | undefined {
  const first = messages[0];
  const last = messages.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const date = new Date(day);
  const folder = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()].join('/');
  return {
    key: `${folder}/${first.messageId}-${last.messageId}.ndjson`,
    // Bodies are JSON of any layout; a line is what one is on without its line ends.
    body: messages.map(({ body }) => `${JSON.stringify(JSON.parse(body))}\n`).join(''),
  };
}
