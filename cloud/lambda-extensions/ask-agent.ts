import type { ConfigurationPath } from './contract.ts';
import type { Asked } from './current-settings.ts';

/** Of a configuration that a function of ours reads, bytes. */
const largestAnswer = 64 * 1024;
/** Of both attempts. A first answer costs the agent two calls of AppConfig. */
const limitMs = 5_000;

/** Asks the AppConfig agent beside the function for a configuration. Never throws: why there is none is an answer too. */
export async function askAgent({ application, environment, profile }: ConfigurationPath, port: number): Promise<Asked> {
  const url = `http://localhost:${port}/applications/${application}/environments/${environment}/configurations/${profile}`;
  const signal = AbortSignal.timeout(limitMs);
  const first = await ask(url, signal);
  // A connection of the invocation before may have ended while the environment slept.
  return !first.ok && first.reason === noAgent && !signal.aborted ? ask(url, signal) : first;
}

const noAgent = 'no-agent';

async function ask(url: string, signal: AbortSignal): Promise<Asked> {
  try {
    const answer = await fetch(url, { signal });
    if (!answer.ok) {
      await answer.body?.cancel();
      return { ok: false, reason: `agent-answered-${answer.status}` };
    }
    let text = '';
    for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      if (text.length > largestAnswer) return { ok: false, reason: 'too-large' };
    }
    return { ok: true, text };
  } catch {
    return { ok: false, reason: noAgent };
  }
}
