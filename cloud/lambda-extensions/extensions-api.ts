import { request } from 'node:http';
import { z } from 'zod';

const lifecycleEvent = z.discriminatedUnion('eventType', [
  z.object({
    eventType: z.literal('INVOKE'),
    deadlineMs: z.number(),
    requestId: z.string(),
    invokedFunctionArn: z.string(),
  }),
  z.object({
    eventType: z.literal('SHUTDOWN'),
    deadlineMs: z.number(),
    /** `spindown`, `timeout`, `failure`; the emulator writes them, and words of its own, in capitals. */
    shutdownReason: z.string().transform((reason) => reason.toLowerCase()),
  }),
]);
export type LifecycleEvent = z.output<typeof lifecycleEvent>;

/** The Extensions API of an execution environment, as one extension sees it. */
export interface ExtensionsApi {
  /** @throws Error where the environment refuses */
  register(events: readonly LifecycleEvent['eventType'][]): Promise<void>;
  /** Says that the work is done, and waits for the next event: for as long as the environment sleeps. */
  next(): Promise<LifecycleEvent>;
  /** Says why the environment is of no use. The process has to end then. */
  fail(phase: 'init' | 'exit', errorType: string, message: string): Promise<void>;
}

/** Of an answer, bytes; events are a few hundred. */
const largestAnswer = 256 * 1024;

/**
 * @param runtimeApi `AWS_LAMBDA_RUNTIME_API`
 * @param name That of the extension's file, or the environment refuses it.
 */
export function createExtensionsApi(runtimeApi: string, name: string): ExtensionsApi {
  let identifier = '';

  // Not `fetch`, which gives up after five minutes: an environment may sleep for hours between two invocations.
  function call(
    method: 'GET' | 'POST',
    path: string,
    headers: Record<string, string>,
    body?: unknown,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const url = `http://${runtimeApi}/2020-01-01/extension/${path}`;
      const sent = request(
        url,
        { method, headers: { ...headers, 'Lambda-Extension-Identifier': identifier } },
        (answer) => {
          const chunks: Buffer[] = [];
          let size = 0;
          answer.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > largestAnswer)
              answer.destroy(new Error(`${path} answered with more than ${largestAnswer} bytes`));
            else chunks.push(chunk);
          });
          answer.on('error', reject);
          answer.on('end', () => {
            const { statusCode = 0 } = answer;
            if (statusCode >= 300) reject(new Error(`The Extensions API answered ${path} with ${statusCode}.`));
            else resolve({ headers: answer.headers, body: Buffer.concat(chunks).toString() });
          });
        },
      );
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  return {
    async register(events) {
      const { headers } = await call('POST', 'register', { 'Lambda-Extension-Name': name }, { events });
      identifier = z.string().parse(headers['lambda-extension-identifier']);
    },
    async next() {
      const { body } = await call('GET', 'event/next', {});
      return lifecycleEvent.parse(JSON.parse(body));
    },
    async fail(phase, errorType, message) {
      const headers = { 'Lambda-Extension-Function-Error-Type': errorType };
      await call('POST', `${phase}/error`, headers, { errorType, errorMessage: message, stackTrace: [] });
    },
  };
}

interface Answer {
  headers: Record<string, string | string[] | undefined>;
  body: string;
}
