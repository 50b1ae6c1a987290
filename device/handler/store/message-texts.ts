import { type AnomalyMessage, anomalyMessage } from '../../anomaly/anomaly.ts';

/** Messages as they are stored. */
export interface MessageTexts {
  textOf(message: AnomalyMessage): string;
  /** @throws ZodError or SyntaxError where it is none. */
  messageOf(text: string): AnomalyMessage;
}

/** Those with longer texts are not remembered: what is in memory is bounded. */
const longestText = 8_192;

/**
 * Remembers the latest texts with their messages: a breach is read four times between its message and its incident, and
 * to check it each time takes longer than to read it.
 * @param most messages that are remembered
 */
export function createMessageTexts(most = 256): MessageTexts {
  const messages = new Map<string, AnomalyMessage>();
  const texts = new WeakMap<AnomalyMessage, string>();

  function remember(text: string, message: AnomalyMessage): void {
    if (text.length > longestText) return;
    const [oldest] = messages.keys();
    if (messages.size >= most && oldest !== undefined) messages.delete(oldest);
    messages.set(text, message);
    texts.set(message, text);
  }

  return {
    textOf(message) {
      const known = texts.get(message);
      if (known !== undefined) return known;
      const text = JSON.stringify(message);
      remember(text, message);
      return text;
    },
    messageOf(text) {
      const known = messages.get(text);
      if (known !== undefined) return known;
      const message = anomalyMessage.parse(JSON.parse(text));
      remember(text, message);
      return message;
    },
  };
}
