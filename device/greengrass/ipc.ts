/**
 * The way to the Greengrass nucleus (interprocess communication, IPC) that a component runs under: calls that are
 * answered once, and streams of events. Names of operations are the nucleus's.
 * Source: AWS IoT Greengrass V2 developer guide, "Use the AWS IoT Device SDK to communicate with the Greengrass nucleus".
 */
export interface Ipc {
  /**
   * Returns once the first connection attempt is under way: being offline is a state. Idempotent.
   * @throws AppError `not-under-greengrass`: the nucleus has set no socket for this process
   */
  start(): Promise<void>;
  /** Settles every call with `closed`, ends every stream, and leaves nothing that keeps the process alive. Idempotent. */
  stop(): Promise<void>;
  state(): IpcState;
  /** Called at every change of state; returns its own removal. */
  onState(listener: (state: IpcState) => void): () => void;
  /**
   * Asks the nucleus; answered in any case, within `timeoutMs`, and at once while offline. After `timeout`, and `offline`
   * under way, the nucleus may have done it all the same.
   */
  call<O extends CallName>(operation: O, request: Request<O>, options?: CallOptions): Promise<CallResult<O>>;
  /**
   * Opens a stream that stands until it is closed: it is opened again after every reconnect, and a refused one is asked
   * for again with growing pauses. Resolves once the nucleus has answered; at once while offline. Events may be missed
   * while the connection is gone: `opened` is the moment to read anew what they are about.
   */
  open<O extends StreamName>(operation: O, request: StreamRequest<O>, listener: StreamListener<O>): Promise<Stream>;
}

/** `connected` means that every stream has been answered, too. */
export type IpcState = { state: 'connected' } | { state: 'disconnected'; reason: string };

export interface CallOptions {
  /** Default is the adapter's. */
  timeoutMs?: number;
  /** Gives the call up with `closed`. */
  signal?: AbortSignal;
}

/**
 * | reason         | what it means                                                                    |
 * |----------------|----------------------------------------------------------------------------------|
 * | `offline`      | no connection to the nucleus, or it ended under way                              |
 * | `timeout`      | no answer in time                                                                |
 * | `closed`       | stopped, or given up by its signal                                               |
 * | `unauthorized` | the recipe's `accessControl` does not allow it; the message says what to add      |
 * | `not-found`    | the nucleus knows no such key, secret or component                               |
 * | `busy`         | too many calls wait, or the nucleus has no room now (its spool is full)          |
 * | `too-large`    | not sent: the nucleus would end the connection                                   |
 * | `unsupported`  | this nucleus does not have the operation (Nucleus Lite lacks several)            |
 * | `failed`       | anything else that it says                                                       |
 */
export type IpcFailureReason =
  | 'offline'
  | 'timeout'
  | 'closed'
  | 'unauthorized'
  | 'not-found'
  | 'busy'
  | 'too-large'
  | 'unsupported'
  | 'failed';

export interface IpcFailure {
  ok: false;
  reason: IpcFailureReason;
  message: string;
}

/** The calls in use: what is asked, and what is answered. */
export interface Calls {
  PublishToTopic: { request: { topic: string; payload: Uint8Array }; response: Done };
  PublishToIoTCore: { request: { topic: string; payload: Uint8Array; qos: 0 | 1 }; response: Done };
  GetSecretValue: {
    /** `secretId`: name or ARN. `refresh`: from the cloud, where the nucleus can; else from its cache. */
    request: { secretId: string; refresh?: boolean };
    /** `text` is undefined for a secret of bytes. */
    response: { versionId: string; text: string | undefined };
  };
  /** Of this component. The value at a leaf is that value itself, not wrapped in its key. */
  GetConfiguration: { request: { keyPath: readonly string[] }; response: { value: unknown } };
  UpdateState: { request: { state: 'RUNNING' | 'ERRORED' }; response: Done };
  SendConfigurationValidityReport: {
    request: { deploymentId: string; status: 'ACCEPTED' | 'REJECTED'; message?: string };
    response: Done;
  };
}

export type Done = Readonly<Record<string, never>>;
export type CallName = keyof Calls;
export type Request<O extends CallName> = Calls[O]['request'];
export type CallResult<O extends CallName> = { ok: true; response: Calls[O]['response'] } | IpcFailure;

/** The streams in use: what is asked for, and what comes. */
export interface Streams {
  /** Local messages. The topic may hold the wildcards of MQTT. */
  SubscribeToTopic: { request: { topic: string }; event: MessageEvent };
  /** Messages of AWS IoT Core. */
  SubscribeToIoTCore: { request: { topicFilter: string; qos: 0 | 1 }; event: MessageEvent };
  /** Says that a value at or below the path has changed, not which: read it again. Nucleus Lite: one event a leaf. */
  SubscribeToConfigurationUpdate: {
    request: { keyPath: readonly string[] };
    event: { componentName: string; keyPath: readonly string[] };
  };
  /** The whole configuration that a deployment wants; the nucleus waits for a validity report. */
  SubscribeToValidateConfigurationUpdates: {
    request: Readonly<Record<string, never>>;
    event: { deploymentId: string; configuration: unknown };
  };
}

export interface MessageEvent {
  topic: string;
  payload: Uint8Array;
}

export type StreamName = keyof Streams;
export type StreamRequest<O extends StreamName> = Streams[O]['request'];

export interface StreamListener<O extends StreamName> {
  event(event: Streams[O]['event']): void;
  /** The stream stands: at first, and again after each reconnect. */
  opened?(): void;
  /** The nucleus refused it; told once for each different answer. It is asked again, unless `unsupported`. */
  refused?(failure: IpcFailure): void;
}

export interface Stream {
  /** Nothing comes after it. Idempotent. */
  close(): Promise<void>;
}
