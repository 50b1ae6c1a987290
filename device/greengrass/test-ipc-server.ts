import { createServer, type Server, type Socket } from 'node:net';
import { z } from 'zod';
import { topicMatcher } from '../transport/topic-filter.ts';
import { guardedBy, resourceOf } from './access-control.ts';
import { socketVariable, tokenVariable } from './ipc-client.ts';
import {
  connectionAccepted,
  encodeEventStream,
  eventStreamDecoder,
  messageTypes,
  terminateStream,
} from './test-event-stream.ts';

/** As in a recipe: by service, by policy. */
export type AccessControl = Readonly<
  Record<string, Readonly<Record<string, { operations: readonly string[]; resources: readonly string[] }>>>
>;

/** A component as the nucleus knows it. `accessControl` stands in its configuration, and allows nothing by default. */
export interface TestComponent {
  configuration: Record<string, unknown>;
}

/** What is to happen to a call: before anything is done, or after it was done and before the answer has left. */
export type Fault =
  | { what: 'cut'; when: 'before it is done' | 'before the reply' | 'in the reply' }
  | { what: 'silence' }
  | { what: 'hold'; until: Promise<void> }
  | { what: 'refuse'; code: string; message: string };

export interface TestSecret {
  arn: string;
  name: string;
  versionId: string;
  /** Text, or bytes in base64. */
  value: { secretString: string } | { secretBinary: string };
}

export interface CloudMessage {
  topic: string;
  payload: string;
  qos: string;
  component: string;
}

export interface TestNucleus {
  readonly socket: string;
  /** Registers a component, and gives the environment in which it starts it. */
  component(name: string, configuration?: Record<string, unknown>): Readonly<Record<string, string>>;
  /** What AWS IoT Core has received, in order. */
  cloud: readonly CloudMessage[];
  /** Takes the core off the internet, and back: classic sends what it spooled. */
  setOnline(online: boolean): void;
  /** A message from AWS IoT Core to those who subscribe there. */
  fromCloud(topic: string, payload: string): void;
  /** Secrets in the cloud; what components get is the nucleus's copy, until it is refreshed. */
  putSecret(secret: TestSecret): void;
  /** States that components have told. */
  states: readonly { component: string; state: string }[];
  /** Changes a component's configuration, and tells those who listen. */
  configure(name: string, change: Record<string, unknown>): void;
  /** Asks those who validate; undefined when nobody does. Resolves with the first report. */
  propose(name: string, configuration: Record<string, unknown>): Promise<ValidityReport | undefined>;
  /** Operations asked for so far, in order. */
  calls: readonly { component: string; operation: string; request: Record<string, unknown> }[];
  /** The next call of an operation, by a component if one is named, fares like this. */
  next(operation: string, fault: Fault, component?: string): void;
  /** Ends connections, of one component or of all. */
  cut(component?: string): void;
  /** Keeps connections of a component and says nothing more on them. */
  silence(component: string): void;
  /** Whether a component may connect; all may at first. */
  setOpen(component: string, open: boolean): void;
  /** Connections that stand now. */
  connections(component?: string): number;
  /** Subscriptions and other streams that stand now. */
  streams(component?: string): number;
  stop(): Promise<void>;
}

export interface ValidityReport {
  status: string;
  deploymentId: string;
  message?: string | undefined;
}

export interface TestNucleusOptions {
  /** A path of at most 107 characters. */
  socket: string;
  kind?: 'classic' | 'lite';
  /** Messages that classic spools while offline. */
  spool?: number;
}

interface Connection {
  component: string;
  socket: Socket;
  silent: boolean;
  streams: Map<number, { operation: string; request: Fields }>;
}

interface Call {
  connection: Connection;
  streamId: number;
  operation: string;
  request: Fields;
}

type Fields = Record<string, unknown>;

/** What an operation answers, or the nucleus's error. */
class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const liteLacks = new Set([
  'GetSecretValue',
  'SubscribeToValidateConfigurationUpdates',
  'SendConfigurationValidityReport',
]);
const longestLitePacket = 10_000;
const mostLitePublishes = 10;

/**
 * A Greengrass nucleus for tests, to which the unmodified SDK connects over a Unix socket: local messages between its
 * components, AWS IoT Core with a spool (classic) or without (Lite), secrets, configuration, states, and `accessControl`;
 * with a hand on every connection and call.
 * Source: shared behaviour of the classic nucleus and of Nucleus Lite (ggipcd), and the SDK's service model.
 */
export async function startTestNucleus({
  socket: path,
  kind = 'classic',
  spool: spoolSize = 1_000,
}: TestNucleusOptions): Promise<TestNucleus> {
  const components = new Map<string, TestComponent>();
  const closedTo = new Set<string>();
  const connections = new Set<Connection>();
  const faults: { operation: string; fault: Fault; component: string | undefined }[] = [];
  const calls: { component: string; operation: string; request: Fields }[] = [];
  const cloud: CloudMessage[] = [];
  const states: { component: string; state: string }[] = [];
  const reports = new Map<string, (report: ValidityReport) => void>();
  const secrets = new Map<string, TestSecret>();
  const copies = new Map<string, TestSecret>();
  const spool: CloudMessage[] = [];
  let online = true;
  let publishesUnderWay = 0;
  let deployments = 0;

  // --- operations --------------------------------------------------------------------------------------------------

  const operations: Readonly<Record<string, (call: Call) => Fields>> = {
    PublishToTopic({ request }) {
      const { topic, publishMessage } = publishToTopic.parse(request);
      const [[form, body] = ['', {}]] = Object.entries(publishMessage);
      emit('SubscribeToTopic', ({ topic: filter }) => topicMatcher(String(filter))(topic), {
        [form]: { ...body, context: { topic } },
      });
      return {};
    },
    PublishToIoTCore({ request, connection }) {
      const { topicName: topic, payload = '', qos } = publishToIoTCore.parse(request);
      const message = {
        topic,
        payload: Buffer.from(payload, 'base64').toString(),
        qos,
        component: connection.component,
      };
      if (online) cloud.push(message);
      else if (kind === 'lite') throw new Refusal('ServiceError', 'Failed to publish the message.');
      else if (qos === '0') throw new Refusal('ServiceError', 'Client is offline and QoS 0 messages are not kept');
      else if (spool.length >= spoolSize) throw new Refusal('ServiceError', 'Message spool is full');
      else spool.push(message);
      return {};
    },
    SubscribeToTopic: () => ({ topicName: '' }),
    SubscribeToIoTCore() {
      if (kind === 'lite' && !online) throw new Refusal('ServiceError', 'Failed to bind subscription.');
      return {};
    },
    GetSecretValue({ request }) {
      const { secretId, refresh = false } = getSecretValue.parse(request);
      const inCloud = [...secrets.values()].find(({ arn, name }) => secretId === arn || secretId === name);
      if (inCloud === undefined) throw new Refusal('ResourceNotFoundError', `Secret not found ${secretId}`);
      if (refresh && online) copies.set(inCloud.arn, inCloud);
      const { arn, versionId, value } = copies.get(inCloud.arn) ?? inCloud;
      return { secretId: arn, versionId, versionStage: ['AWSCURRENT'], secretValue: value };
    },
    GetConfiguration({ request, connection }) {
      const { keyPath, componentName = connection.component } = atKeyPath.parse(request);
      let value: unknown = components.get(componentName)?.configuration;
      for (const key of keyPath) value = isFields(value) ? value[key] : undefined;
      if (value === undefined) throw new Refusal('ResourceNotFoundError', 'Key not found');
      return { componentName, value: isFields(value) ? value : { [keyPath.at(-1) ?? '']: value } };
    },
    SubscribeToConfigurationUpdate: () => ({}),
    SubscribeToValidateConfigurationUpdates: () => ({}),
    SendConfigurationValidityReport({ request }) {
      const { configurationValidityReport: report } = sendReport.parse(request);
      const settle = reports.get(report.deploymentId);
      if (settle === undefined) throw new Refusal('InvalidArgumentsError', 'Validation request not found');
      reports.delete(report.deploymentId);
      settle(report);
      return {};
    },
    UpdateState({ request, connection }) {
      states.push({ component: connection.component, state: updateState.parse(request).state });
      return {};
    },
  };

  function authorize({ operation, request, connection }: Call): void {
    const service = guardedBy[operationName.parse(operation)];
    if (service === undefined) return;
    const { accessControl = {} } = configured.parse(components.get(connection.component)?.configuration ?? {});
    const wanted = resourceOf({ ...request, ...('topicName' in request ? { topic: request['topicName'] } : {}) });
    const granted = Object.values(accessControl[service.name] ?? {}).some(
      ({ operations: allowed, resources }) =>
        allowed.some((one) => one === '*' || one === `aws.greengrass#${operation}`) &&
        resources.some((resource) => patternOf(resource).test(wanted)),
    );
    if (!granted) throw new Refusal('UnauthorizedError', `Principal ${connection.component} is not authorized`);
  }

  /** Sends an event to those whose stream of this operation wants it. */
  function emit(operation: string, wants: (request: Fields, component: string) => boolean, event: Fields): void {
    for (const connection of connections) {
      for (const [streamId, stream] of connection.streams) {
        if (stream.operation !== operation || !wants(stream.request, connection.component)) continue;
        send(connection, streamId, `aws.greengrass#${events[operation] ?? ''}`, event);
      }
    }
  }

  // --- connections -------------------------------------------------------------------------------------------------

  function packet(streamId: number, shape: string, body: Fields, flags = 0, type: number = messageTypes.application) {
    const headers = { ':message-type': type, ':message-flags': flags, ':stream-id': streamId };
    const described = { ...headers, ':content-type': 'application/json', 'service-model-type': shape };
    return encodeEventStream({ headers: described, payload: Buffer.from(JSON.stringify(body)) });
  }

  function send({ silent, socket }: Connection, streamId: number, shape: string, body: Fields): void {
    if (!silent) socket.write(packet(streamId, shape, body));
  }

  function refuse({ connection, streamId }: Call, { code, message }: { code: string; message: string }): void {
    if (connection.silent) return;
    const body = { _message: message, _errorCode: code, _service: 'aws.greengrass#GreengrassCoreIPC', message };
    const shape = `aws.greengrass#${code}`;
    connection.socket.write(packet(streamId, shape, body, terminateStream, messageTypes.applicationError));
  }

  function perform(call: Call, fault: Fault | undefined): void {
    const { connection, operation, streamId, request } = call;
    if (fault?.what === 'silence') connection.silent = true;
    if (fault?.what === 'cut' && fault.when === 'before it is done') {
      connection.socket.destroy();
      return;
    }
    try {
      if (fault?.what === 'refuse') throw new Refusal(fault.code, fault.message);
      if (kind === 'lite' && liteLacks.has(operation)) throw new Refusal('ServiceError', '');
      authorize(call);
      const response = operations[operation]?.(call);
      if (response === undefined) throw new Refusal('ServiceError', '');
      const reply = packet(streamId, `aws.greengrass#${operation}Response`, response);
      if (fault?.what === 'cut') {
        if (fault.when === 'before the reply') connection.socket.destroy();
        else connection.socket.write(reply.subarray(0, reply.length >> 1), () => connection.socket.destroy());
        return;
      }
      if (operation.startsWith('Subscribe')) connection.streams.set(streamId, { operation, request });
      if (!connection.silent) connection.socket.write(reply);
    } catch (error) {
      if (error instanceof Refusal) refuse(call, error);
      else refuse(call, { code: 'InvalidArgumentsError', message: String(error) });
    }
  }

  async function take(call: Call): Promise<void> {
    const { connection, operation, request } = call;
    calls.push({ component: connection.component, operation, request });
    const index = faults.findIndex(
      (one) => one.operation === operation && (one.component ?? connection.component) === connection.component,
    );
    const fault = index < 0 ? undefined : faults.splice(index, 1)[0]?.fault;
    const counts = operation === 'PublishToIoTCore' && kind === 'lite';
    if (counts && publishesUnderWay >= mostLitePublishes) {
      refuse(call, { code: 'ServiceError', message: 'Failed to publish the message.' });
      return;
    }
    if (counts) publishesUnderWay += 1;
    if (fault?.what === 'hold') await fault.until;
    if (counts) publishesUnderWay -= 1;
    perform(call, fault);
  }

  function accept(socket: Socket): void {
    const decode = eventStreamDecoder();
    let connection: Connection | undefined;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (connection !== undefined) connections.delete(connection);
    });
    socket.on('data', (chunk) => {
      for (const { message, bytes } of decode(chunk)) {
        if (kind === 'lite' && bytes > longestLitePacket) {
          socket.destroy();
          return;
        }
        const { headers, payload } = message;
        if (connection === undefined) {
          connection = connected(socket, payload);
          if (connection === undefined) socket.destroy();
          continue;
        }
        const streamId = Number(headers[':stream-id']);
        if (Number(headers[':message-flags']) & terminateStream) {
          connection.streams.delete(streamId);
          continue;
        }
        const operation = String(headers['operation']).replace('aws.greengrass#', '');
        void take({ connection, streamId, operation, request: fields.parse(JSON.parse(payload.toString())) });
      }
    });
  }

  function connected(socket: Socket, payload: Buffer): Connection | undefined {
    const component = connect.parse(JSON.parse(payload.toString())).authToken.replace(/^token-of-/, '');
    if (!components.has(component) || closedTo.has(component)) return undefined;
    const connection: Connection = { component, socket, silent: false, streams: new Map() };
    connections.add(connection);
    const headers = { ':message-type': messageTypes.connectAck, ':message-flags': connectionAccepted, ':stream-id': 0 };
    socket.write(encodeEventStream({ headers, payload: Buffer.alloc(0) }));
    return connection;
  }

  const server = createServer(accept);
  await listening(server, path);
  const of = (component: string | undefined) =>
    [...connections].filter((connection) => component === undefined || connection.component === component);

  return {
    socket: path,
    cloud,
    states,
    calls,
    component(name, configuration = {}) {
      components.set(name, { configuration: { ...configuration } });
      return {
        [socketVariable]: path,
        [tokenVariable]: `token-of-${name}`,
        AWS_IOT_THING_NAME: 'IoT-blog_Core',
        AWS_REGION: 'eu-west-1',
      };
    },
    setOnline(next) {
      online = next;
      if (online) cloud.push(...spool.splice(0));
    },
    fromCloud(topic, payload) {
      const message = { topicName: topic, payload: Buffer.from(payload).toString('base64') };
      emit('SubscribeToIoTCore', ({ topicName }) => topicMatcher(String(topicName))(topic), { message });
    },
    putSecret(secret) {
      secrets.set(secret.arn, secret);
      if (!copies.has(secret.arn)) copies.set(secret.arn, secret);
    },
    configure(name, change) {
      const known = components.get(name);
      if (known === undefined) throw new Error(`no component ${name}`);
      Object.assign(known.configuration, change);
      for (const key of Object.keys(change)) {
        const wants = ({ keyPath, componentName }: Fields, component: string) =>
          (componentName ?? component) === name && Array.isArray(keyPath) && (keyPath[0] ?? key) === key;
        const event = { configurationUpdateEvent: { componentName: name, keyPath: [key] } };
        emit('SubscribeToConfigurationUpdate', wants, event);
      }
    },
    propose(name, configuration) {
      deployments += 1;
      const deploymentId = `deployment-${deployments}`;
      const validates = of(name).some(({ streams }) =>
        [...streams.values()].some(({ operation }) => operation === 'SubscribeToValidateConfigurationUpdates'),
      );
      if (!validates) return Promise.resolve(undefined);
      const answered = new Promise<ValidityReport>((resolve) => reports.set(deploymentId, resolve));
      emit('SubscribeToValidateConfigurationUpdates', (_request, component) => component === name, {
        validateConfigurationUpdateEvent: { deploymentId, configuration },
      });
      return answered;
    },
    next: (operation, fault, component) => void faults.push({ operation, fault, component }),
    cut(component) {
      for (const { socket } of of(component)) socket.destroy();
    },
    silence(component) {
      for (const connection of of(component)) connection.silent = true;
    },
    setOpen(component, open) {
      if (open) closedTo.delete(component);
      else closedTo.add(component);
    },
    connections: (component) => of(component).length,
    streams: (component) => of(component).reduce((sum, { streams }) => sum + streams.size, 0),
    async stop() {
      for (const { socket } of connections) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

const fields = z.record(z.string(), z.unknown());
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const connect = z.object({ authToken: z.string() });
const publishToTopic = z.object({ topic: z.string(), publishMessage: z.record(z.string(), fields) });
const publishToIoTCore = z.object({ topicName: z.string(), payload: z.string().optional(), qos: z.enum(['0', '1']) });
const getSecretValue = z.object({ secretId: z.string(), refresh: z.boolean().optional() });
const atKeyPath = z.object({ keyPath: z.array(z.string()), componentName: z.string().optional() });
const updateState = z.object({ state: z.enum(['RUNNING', 'ERRORED']) });
const sendReport = z.object({
  configurationValidityReport: z.object({
    status: z.enum(['ACCEPTED', 'REJECTED']),
    deploymentId: z.string(),
    message: z.string().optional(),
  }),
});
const policy = z.object({ operations: z.array(z.string()), resources: z.array(z.string()) });
const configured = z.object({
  accessControl: z.record(z.string(), z.record(z.string(), policy)).optional(),
});
const operationName = z.enum([
  'PublishToTopic',
  'SubscribeToTopic',
  'PublishToIoTCore',
  'SubscribeToIoTCore',
  'GetSecretValue',
  'GetConfiguration',
  'SubscribeToConfigurationUpdate',
  'SubscribeToValidateConfigurationUpdates',
  'SendConfigurationValidityReport',
  'UpdateState',
]);

/** Shapes of what comes on a stream. */
const events: Readonly<Record<string, string>> = {
  SubscribeToTopic: 'SubscriptionResponseMessage',
  SubscribeToIoTCore: 'IoTCoreMessage',
  SubscribeToConfigurationUpdate: 'ConfigurationUpdateEvents',
  SubscribeToValidateConfigurationUpdates: 'ValidateConfigurationUpdateEvents',
};

/** In a policy `*` stands for any characters. */
function patternOf(resource: string): RegExp {
  const literal = resource.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`, 's');
}
