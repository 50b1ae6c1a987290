import { topicProblem } from './topic-filter.ts';
import type { PublishResult } from './transport.ts';

/**
 * Why a message is not even sent; undefined where it can be. `problemOf` says what the peer refuses of a topic that MQTT
 * knows.
 */
export function refusalOf(
  { topic, bytes }: { topic: string; bytes: number },
  maxPayloadBytes: number,
  problemOf: (topic: string) => string | undefined = () => undefined,
): Extract<PublishResult, { ok: false }> | undefined {
  const problem = topicProblem(topic) ?? problemOf(topic);
  if (problem !== undefined)
    return { ok: false, reason: 'failed', message: `topic "${topic.slice(0, 200)}": ${problem}` };
  if (bytes <= maxPayloadBytes) return undefined;
  const message = `message of ${bytes} bytes to ${topic}; at most ${maxPayloadBytes} are sent`;
  return { ok: false, reason: 'too-large', message };
}
