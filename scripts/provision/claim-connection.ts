import mqtt, { type MqttClient } from 'mqtt';
import { z } from 'zod';
import { AppError, messageOf } from '../../device/platform/errors.ts';

export interface ClaimConnectionOptions {
  /** `iot:Data-ATS` of the account, with a port if it is not 8883. */
  endpoint: string;
  rootCa: string;
  claimCertificate: string;
  claimKey: string;
  /** Unique among the clients of the account; the serial number is. */
  clientId: string;
  /** For the connection, and for each answer. */
  timeoutMs: number;
}

/** What is asked for, in words and as the topic that answers on `/accepted` and `/rejected`. */
export interface Request {
  doing: string;
  topic: string;
}

interface ClaimConnection {
  /** @throws AppError `claim-refused`, `claim-timeout` */
  request(request: Request, payload: object): Promise<unknown>;
  close(): Promise<void>;
}

const refusal = z.object({ errorCode: z.string().default('?'), errorMessage: z.string().default('no reason given') });

/** @throws AppError `unreachable`, `claim-refused` */
export async function connectWithClaim(options: ClaimConnectionOptions): Promise<ClaimConnection> {
  const { endpoint, clientId, timeoutMs } = options;
  const [host = '', port = '8883'] = endpoint.split(':');
  const client = mqtt.connect({
    protocol: 'mqtts',
    host,
    port: Number(port),
    protocolVersion: 5,
    clientId,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: timeoutMs,
    ca: options.rootCa,
    cert: options.claimCertificate,
    key: options.claimKey,
    rejectUnauthorized: true,
  });
  await connected(client, options);
  return {
    request: (request, payload) => answered(client, request, payload, timeoutMs),
    close: () => client.endAsync(true),
  };
}

function connected(client: MqttClient, { endpoint, timeoutMs }: ClaimConnectionOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let last: Error | undefined;
    const fail = (why: string) => {
      clearTimeout(timer);
      client.end(true);
      reject(
        new AppError(
          'unreachable',
          `Cannot connect to ${endpoint} with the claim certificate: ${why}. Check the endpoint, the clock of this device, and that the claim certificate is active and its policy lets this client connect.`,
          { cause: last },
        ),
      );
    };
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs / 1_000} s`), timeoutMs);
    client.once('connect', () => {
      clearTimeout(timer);
      resolve();
    });
    client.on('error', (error) => {
      last = error;
      fail(messageOf(error));
    });
    client.once('close', () => fail('the connection was closed'));
  });
}

/** Subscribed to both answers before asking, and let go of afterwards. */
async function answered(
  client: MqttClient,
  { doing, topic }: Request,
  payload: object,
  timeoutMs: number,
): Promise<unknown> {
  const answers = [`${topic}/accepted`, `${topic}/rejected`];
  const refused = (why: string) => new AppError('claim-refused', `AWS IoT does not ${doing}: ${why}`);
  let stop = () => {};
  try {
    const answer = new Promise<unknown>((resolve, reject) => {
      const onMessage = (from: string, body: Buffer) => {
        if (from === answers[0]) resolve(parse(body));
        if (from === answers[1]) reject(refused(wordsOf(parse(body))));
      };
      const onClose = () =>
        reject(
          refused(
            'it closed the connection. The policy of the claim certificate must allow this topic and its answers.',
          ),
        );
      const timer = setTimeout(
        () =>
          reject(
            new AppError(
              'claim-timeout',
              `AWS IoT did not ${doing} within ${timeoutMs / 1_000} s. Try again; nothing is lost.`,
            ),
          ),
        timeoutMs,
      );
      client.on('message', onMessage).once('close', onClose);
      stop = () => {
        clearTimeout(timer);
        client.off('message', onMessage).off('close', onClose);
      };
    });
    // Until it is awaited below, a refusal must not end the process.
    answer.catch(() => {});
    const granted = await client.subscribeAsync(answers, { qos: 1 });
    if (granted.some(({ qos }) => qos >= 128))
      throw refused('the policy of the claim certificate does not let it subscribe to the answers.');
    await client.publishAsync(topic, JSON.stringify(payload), { qos: 1 });
    return await answer;
  } catch (error) {
    throw error instanceof AppError ? error : refused(messageOf(error));
  } finally {
    stop();
  }
}

function wordsOf(answer: unknown): string {
  const { errorCode, errorMessage } = refusal.catch({ errorCode: '?', errorMessage: 'no reason given' }).parse(answer);
  return `${errorMessage} (${errorCode}). The serial number must be allowed by the template's hook, and the template's parameters be complete.`;
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
