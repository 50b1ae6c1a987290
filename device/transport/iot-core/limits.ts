/** Largest payload that AWS IoT Core takes. Source: "AWS IoT Core message broker and protocol limits and quotas". */
export const longestPayloadBytes = 131_072;

/** Filters in one SUBSCRIBE. */
export const filtersPerSubscribe = 8;

const longestTopicBytes = 256;
const mostSlashes = 7;

/** AWS IoT Core ends the connection over such a topic, so that one of them would keep everything else away. */
export function iotCoreTopicProblem(topic: string): string | undefined {
  const bytes = Buffer.byteLength(topic);
  if (bytes > longestTopicBytes) return `has ${bytes} bytes; AWS IoT Core takes ${longestTopicBytes}`;
  const slashes = topic.split('/').length - 1;
  if (slashes > mostSlashes) return `has ${slashes} slashes; AWS IoT Core takes ${mostSlashes}`;
  return undefined;
}
