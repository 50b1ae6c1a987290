import type { eventstream_rpc, greengrasscoreipc } from 'aws-iot-device-sdk-v2';
import { guardStream } from './guarded-stream.ts';
import type { CallName, Calls, MessageEvent, Request, StreamName, StreamRequest, Streams } from './ipc.ts';
import { type NucleusError, nucleusErrorOf } from './nucleus-error.ts';

/** Where the nucleus listens, and the word by which it knows this component. Set for each process that it starts. */
export interface NucleusAddress {
  socket: string;
  authToken: string;
}

export type Answer<T> = { ok: true; response: T } | ({ ok: false } & NucleusError);

export interface OpenStream {
  /** What the nucleus says to it. Never settles if the connection ends before. */
  answered: Promise<Answer<unknown>>;
  close(): Promise<void>;
}

/** One life of a connection, which never comes back. */
export interface NucleusConnection {
  /** Never settles if the connection ends before the answer, unless `cancel` fires. */
  call<O extends CallName>(
    operation: O,
    request: Request<O>,
    cancel: AbortSignal,
  ): Promise<Answer<Calls[O]['response']>>;
  open<O extends StreamName>(
    operation: O,
    request: StreamRequest<O>,
    on: { event(event: Streams[O]['event']): void; ended(): void },
  ): OpenStream;
  /** Gives its native parts back; nothing comes afterwards. Idempotent. */
  close(): Promise<void>;
}

export interface ConnectOptions extends NucleusAddress {
  /** The connection that was made has ended. */
  lost: (reason: string) => void;
  /** Gives the attempt up. */
  signal: AbortSignal;
}

export type Connect = (options: ConnectOptions) => Promise<NucleusConnection>;

/**
 * Connects with the IPC client of the AWS IoT Device SDK, which is loaded here: it takes 20 MB and a third of a second.
 * @throws what the SDK says of a connection that does not come about, or `AbortError`
 */
export async function connectToNucleus({
  socket,
  authToken,
  lost,
  signal,
}: ConnectOptions): Promise<NucleusConnection> {
  const sdk = await import('aws-iot-device-sdk-v2');
  signal.throwIfAborted();
  const client = sdk.greengrasscoreipc.createClient({
    ...sdk.greengrasscoreipc.createDefaultClientConfig(),
    hostName: socket,
    connectTransform: async ({ message }) => ({ ...message, payload: JSON.stringify({ authToken }) }),
  });
  const rpcClient = client['rpcClient'];
  const newStream = rpcClient.newStream.bind(rpcClient);
  rpcClient.newStream = () => {
    const stream = newStream();
    guardStream(stream);
    return stream;
  };
  const isClosed = new AbortController();
  // A client that never connected holds native parts all the same.
  const close = async () => {
    if (isClosed.signal.aborted) return;
    isClosed.abort();
    await client.close();
  };
  try {
    await Promise.race([client.connect(), aborted(signal)]);
  } catch (error) {
    await close();
    throw error;
  }
  client.on('disconnection', (event) => {
    if (!isClosed.signal.aborted) lost(event?.reason.message ?? 'the nucleus ended the connection');
  });
  const call = calls(client, sdk.greengrasscoreipc.model);
  const open = streams(client, sdk.greengrasscoreipc.model);
  return {
    async call(operation, request, cancel) {
      const { cancelController, end } = cancellationBy(cancel);
      try {
        return { ok: true, response: await call[operation](request, { cancelController }) };
      } catch (error) {
        return { ok: false, ...nucleusErrorOf(error) };
      } finally {
        end();
      }
    },
    open(operation, request, on) {
      return openedStream(() => open[operation](request, on.event), on.ended);
    },
    close,
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/**
 * The SDK's way to cancel one call. Until the request is written it waits for that alone, and a rejection of the answer
 * would be nobody's and end the process; so a cancel waits until the answer is the only thing left to wait for.
 */
function cancellationBy(signal: AbortSignal) {
  const listeners = new Set<() => void>();
  let over = false;
  const cancelSoon = () => setImmediate(cancelNow);
  function cancelNow(): void {
    const [listener, another] = listeners;
    if (!over && another === undefined) listener?.();
  }
  signal.addEventListener('abort', cancelSoon, { once: true });
  const cancelController: NonNullable<CallOptions['cancelController']> = {
    cancel: () => {},
    hasBeenCancelled: () => false,
    addListener(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (signal.aborted) cancelSoon();
      };
    },
  };
  return {
    cancelController,
    end() {
      over = true;
      signal.removeEventListener('abort', cancelSoon);
    },
  };
}

type Client = greengrasscoreipc.Client;
type Model = typeof greengrasscoreipc.model;
type CallOptions = eventstream_rpc.OperationOptions;

/** Each call as the SDK makes it. */
function calls(
  client: Client,
  { QOS, ReportedLifecycleState, ConfigurationValidityStatus }: Model,
): { [O in CallName]: (request: Request<O>, options: CallOptions) => Promise<Calls[O]['response']> } {
  return {
    async PublishToTopic({ topic, payload }, options) {
      // As bytes: Nucleus Lite takes JSON apart, and refuses what has many parts.
      await client.publishToTopic({ topic, publishMessage: { binaryMessage: { message: payload } } }, options);
      return {};
    },
    async PublishToIoTCore({ topic, payload, qos }, options) {
      const level = qos === 0 ? QOS.AT_MOST_ONCE : QOS.AT_LEAST_ONCE;
      await client.publishToIoTCore({ topicName: topic, payload, qos: level }, options);
      return {};
    },
    async GetSecretValue({ secretId, refresh }, options) {
      const request = refresh === undefined ? { secretId } : { secretId, refresh };
      const { versionId, secretValue } = await client.getSecretValue(request, options);
      return { versionId, text: secretValue.secretString };
    },
    async GetConfiguration({ keyPath }, options) {
      const { value } = await client.getConfiguration({ keyPath: [...keyPath] }, options);
      return { value: leafOf(value, keyPath.at(-1)) };
    },
    async UpdateState({ state }, options) {
      await client.updateState({ state: ReportedLifecycleState[state] }, options);
      return {};
    },
    async SendConfigurationValidityReport({ deploymentId, status, message }, options) {
      const report = {
        deploymentId,
        status: ConfigurationValidityStatus[status],
        ...(message === undefined ? {} : { message }),
      };
      await client.sendConfigurationValidityReport({ configurationValidityReport: report }, options);
      return {};
    },
  };
}

/** The nucleus wraps a value that is no object in its own key. */
function leafOf(value: unknown, key: string | undefined): unknown {
  if (key === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const [only, ...others] = Object.entries(value);
  const isWrapped = only !== undefined && others.length === 0 && only[0] === key && typeof only[1] !== 'object';
  return isWrapped ? only[1] : value;
}

/** What the SDK calls a streaming operation, whatever it carries. */
interface SdkStream {
  activate(): Promise<unknown>;
  close(): Promise<void>;
  on(event: 'ended', listener: () => void): unknown;
}

/** Each stream as the SDK opens it; events may come from then on. */
function streams(
  client: Client,
  { QOS }: Model,
): { [O in StreamName]: (request: StreamRequest<O>, event: (event: Streams[O]['event']) => void) => SdkStream } {
  return {
    SubscribeToTopic({ topic }, event) {
      return client.subscribeToTopic({ topic }).on('message', ({ binaryMessage, jsonMessage }) => {
        const from = binaryMessage?.context?.topic ?? jsonMessage?.context?.topic ?? topic;
        // Other components may publish JSON.
        if (jsonMessage !== undefined) event(messageOf(from, JSON.stringify(jsonMessage.message)));
        else event(messageOf(from, binaryMessage?.message));
      });
    },
    SubscribeToIoTCore({ topicFilter, qos }, event) {
      const level = qos === 0 ? QOS.AT_MOST_ONCE : QOS.AT_LEAST_ONCE;
      return client.subscribeToIoTCore({ topicName: topicFilter, qos: level }).on('message', ({ message }) => {
        if (message !== undefined) event(messageOf(message.topicName, message.payload));
      });
    },
    SubscribeToConfigurationUpdate({ keyPath }, event) {
      const operation = client.subscribeToConfigurationUpdate({ keyPath: [...keyPath] });
      return operation.on('message', ({ configurationUpdateEvent }) => {
        if (configurationUpdateEvent !== undefined) event(configurationUpdateEvent);
      });
    },
    SubscribeToValidateConfigurationUpdates(_request, event) {
      const operation = client.subscribeToValidateConfigurationUpdates({});
      return operation.on('message', ({ validateConfigurationUpdateEvent }) => {
        if (validateConfigurationUpdateEvent === undefined) return;
        const { deploymentId, configuration } = validateConfigurationUpdateEvent;
        event({ deploymentId, configuration: configuration });
      });
    },
  };
}

type Payload = greengrasscoreipc.model.BinaryMessage['message'];

function messageOf(topic: string, payload: Payload): MessageEvent {
  return { topic, payload: bytesOf(payload) };
}

/** As a `Buffer`, which is a text where one is wanted. */
function bytesOf(payload: Payload): Buffer {
  if (payload === undefined) return Buffer.alloc(0);
  if (typeof payload === 'string') return Buffer.from(payload);
  if (!ArrayBuffer.isView(payload)) return Buffer.from(payload);
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}

/** Opens it, and hears of its end once, unless it was closed. */
function openedStream(open: () => SdkStream, ended: () => void): OpenStream {
  let over = false;
  const stream = open();
  stream.on('ended', () => {
    if (!over) ended();
    over = true;
  });
  return {
    answered: stream.activate().then(
      (response) => ({ ok: true, response }),
      (error: unknown) => ({ ok: false, ...nucleusErrorOf(error) }),
    ),
    async close() {
      over = true;
      await stream.close();
    },
  };
}
