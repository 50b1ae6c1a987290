import {
  type AnswerMessage,
  answerMessage,
  handlerStatusMessage,
  type Key,
  maxMessageBytes,
} from '../anomaly/anomaly.ts';
import { keyText } from '../anomaly/identity.ts';
import type { Topics } from '../transport/topics.ts';
import type { InboundMessage } from '../transport/transport.ts';

export interface HandlerEarDeps {
  topics: Topics;
  /** Undefined for a gateway, which speaks for many. Others are known by their keys (a name given up), or not ours. */
  ownDevice: string | undefined;
  installationId: () => string;
  /** Last sequence of a key, 0 for one that never spoke. */
  lastSequence: (key: string, of: Key) => number;
  onAnswer: (key: string, answer: AnswerMessage) => void;
  /** The handler has accepted more of this installation than its data directory knows of. */
  onBehind: () => void;
  onHandlerStart: () => void;
}

/** Handlers whose start is remembered: the one that serves, and those that stand by. */
const mostHandlers = 16;

/** Listens to what handlers say, from hostile bytes; what is malformed, foreign or old changes nothing. */
export function createHandlerEar(deps: HandlerEarDeps) {
  const starts = new Map<string, string>();

  return {
    onAnswer({ topic, payload }: InboundMessage): void {
      const answer = answerMessage.safeParse(parseJson(payload)).data;
      if (answer === undefined || answer.installationId !== deps.installationId()) return;
      const named = deps.topics.deviceOf(topic);
      if (named !== undefined && named !== answer.deviceId) return;
      const key = keyText(answer);
      const lastSequence = deps.lastSequence(key, answer);
      if (lastSequence === 0 && deps.ownDevice !== undefined && answer.deviceId !== deps.ownDevice) return;
      if (answer.highWater > lastSequence) deps.onBehind();
      else deps.onAnswer(key, answer);
    },

    onHandlerStatus({ payload }: InboundMessage): void {
      const status = handlerStatusMessage.safeParse(parseJson(payload)).data;
      if (status === undefined || status.state === 'passive') return;
      const { handlerId, startId } = status;
      if (starts.get(handlerId) === startId) return;
      starts.delete(handlerId);
      starts.set(handlerId, startId);
      const [oldest] = starts.keys();
      if (starts.size > mostHandlers && oldest !== undefined) starts.delete(oldest);
      deps.onHandlerStart();
    },
  };
}

function parseJson(payload: Uint8Array): unknown {
  if (payload.byteLength > maxMessageBytes) return undefined;
  try {
    return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}
