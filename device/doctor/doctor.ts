import { randomBytes } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import type { Ipc } from '../greengrass/ipc.ts';
import { createIpcClient, type IpcClientDeps } from '../greengrass/ipc-client.ts';
import { createServiceNow } from '../incident/servicenow/client.ts';
import { connectServiceNow, type ServiceNowConnection } from '../incident/servicenow/connection.ts';
import { createTableReader } from '../incident/servicenow/table-reader.ts';
import type { MachineClock } from '../monitor/machine-clock.ts';
import { silentLogger } from '../platform/logger.ts';
import { sleep, systemTime, type Time } from '../platform/time.ts';
import { createSecrets, secretFile } from '../secrets/create-secrets.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { createSource } from '../sensor/create-source.ts';
import { createTransport } from '../transport/create-transport.ts';
import { topics } from '../transport/topics.ts';
import { brokerCheck } from './broker-check.ts';
import { type Check, type CheckReport, runChecks } from './check.ts';
import { configurationChecks, type KeptHere } from './configuration-check.ts';
import type { Core, CoreComponent } from './core.ts';
import { coreChecks, runs } from './core-checks.ts';
import { diskChecks } from './disk-checks.ts';
import { instanceChecks } from './instance-checks.ts';
import type { Machine } from './machine.ts';
import { machineChecks } from './machine-checks.ts';
import { mappingChecks } from './mapping-checks.ts';
import { secretCheck } from './secret-check.ts';
import { sensorChecks } from './sensor-checks.ts';
import { testIncidentCheck } from './test-incident.ts';

export interface ExamineOptions {
  /** Of each component: one for both, unless a nucleus configures them. */
  monitor: Config;
  handler: Config;
  /** The Greengrass core whose components they are. */
  core?: Core;
  /** What its components kept of the deployments' configurations. */
  kept: readonly KeptHere[];
  machine: Machine;
  machineClock: MachineClock;
  /** Make a test incident and cancel it. */
  write: boolean;
  /** How long a connection or an answer may take, ms. */
  networkMs?: number;
}

/** What cannot be reached is given up in time for the whole to end within ten seconds. */
const usualNetworkMs = 5_000;
const checkMs = 8_000;
/** One request of the test incident after another. */
const requestsOfTestIncident = 8;

/** Looks at everything that the two components need on this machine, at the broker and at the instance. */
export async function examine(options: ExamineOptions): Promise<CheckReport[]> {
  const { monitor, handler: config, core, kept, machine, machineClock, write, networkMs = usualNetworkMs } = options;
  const time = systemTime;
  const deps = { logger: silentLogger, time, random: Math.random };
  const { dataDir } = config.store;
  const ipcs = {
    monitor: core === undefined ? undefined : ipcAs(core.monitor, deps),
    handler: core === undefined ? undefined : ipcAs(core.handler, deps),
  };
  // A lasting write that is cut off leaves an incident behind, so it gets the time that the handler would give it.
  const timeoutMs = Math.min(config.serviceNow.timeoutMs, networkMs);
  const serviceNow = write ? config.serviceNow : { ...config.serviceNow, timeoutMs };
  const secrets = once(async () => {
    if (ipcs.handler !== undefined) await untilConnected(ipcs.handler, time, networkMs);
    return createSecrets(config.secrets, { dataDir, time, ...ipcOf(ipcs.handler) });
  });
  const connection = once(() => connectServiceNow(serviceNow, { ...deps, secrets: deferred(secrets) }));
  const read = once(() => createTableReader(connection()));
  const destination = once(() => createServiceNow(serviceNow, { ...deps, secrets: deferred(secrets) }, connection()));

  const messages = (of: Config, ipc: Ipc | undefined, named?: { name: string; needs: readonly string[] }) =>
    brokerCheck({
      config: of.transport,
      topic: topics(of.topics).handlerStatus,
      transport: () => createTransport(ownClient(of, networkMs), { component: 'doctor', ...deps, ...ipcOf(ipc) }),
      ...{ time, withinMs: networkMs, ...named },
    });
  const messageChecks = (): Check[] => {
    if (core === undefined) return [messages(config, undefined)];
    const sides = [
      { of: monitor, ipc: ipcs.monitor, component: core.monitor },
      { of: config, ipc: ipcs.handler, component: core.handler },
    ];
    return sides
      .filter(({ component }) => component.deployed)
      .map(({ of, ipc, component }) =>
        messages(of, ipc, { name: `messages of ${component.program}`, needs: [runs(component)] }),
      );
  };
  const serviceNowChecks = (): Check[] => [
    secretCheck({
      config: config.secrets,
      file: secretFile(config.secrets, dataDir),
      secrets,
      needs: core !== undefined && config.secrets.kind === 'greengrass' ? [runs(core.handler)] : [],
    }),
    ...instanceChecks({ config: serviceNow, connection, read: (query) => read()(query), time }),
    ...mappingChecks({ config, read: (query) => read()(query) }),
    ...(write
      ? [
          testIncidentCheck({
            config,
            destination,
            newId: () => randomBytes(16).toString('hex'),
            limitMs: requestsOfTestIncident * config.serviceNow.timeoutMs,
          }),
        ]
      : []),
  ];
  const hasHandler = core === undefined || core.handler.deployed;

  try {
    return await runChecks(
      [
        ...machineChecks(machine, machineClock, time),
        ...(core === undefined ? [] : coreChecks(core, time)),
        ...diskChecks(monitor.store),
        ...configurationChecks(kept),
        ...sensorChecks({ config: monitor.sensor, machine, source: () => createSource(monitor, deps) }),
        ...messageChecks(),
        ...(hasHandler ? serviceNowChecks() : []),
      ],
      { time, limitMs: checkMs },
    );
  } finally {
    close(connection);
    await Promise.all([ipcs.monitor?.stop(), ipcs.handler?.stop()]);
  }
}

/** The nucleus as a running component reaches it; undefined where that cannot be asked as. */
function ipcAs({ name, process }: CoreComponent, deps: Pick<IpcClientDeps, 'logger' | 'time' | 'random'>) {
  return process.state === 'runs' ? createIpcClient({ ...deps, env: process.env, component: name }) : undefined;
}

/** An answer is not waited for longer than this; what cannot be asked then says so itself. */
async function untilConnected(ipc: Ipc, time: Time, withinMs: number): Promise<void> {
  await ipc.start();
  const given = new AbortController();
  const connected = new Promise<void>((resolve) => {
    const heard = () => ipc.state().state === 'connected' && resolve();
    given.signal.addEventListener('abort', ipc.onState(heard));
    heard();
  });
  await Promise.race([connected, sleep(time, withinMs, given.signal)]);
  given.abort();
}

function ipcOf(ipc: Ipc | undefined): { ipc?: Ipc } {
  return ipc === undefined ? {} : { ipc };
}

/** A client id of its own: with the configured one it would push out the component that runs. */
function ownClient(config: Config, networkMs: number): Pick<Config, 'deviceId' | 'transport'> {
  const { iotCore } = config.transport;
  const { clientId: _taken, ...mqtt } = config.transport.mqtt;
  // A little less, so that the transport itself says what it waited for.
  const within = ({ connectTimeoutMs }: { connectTimeoutMs: number }) => Math.min(connectTimeoutMs, networkMs * 0.8);
  return {
    deviceId: config.deviceId,
    transport: {
      ...config.transport,
      mqtt: { ...mqtt, connectTimeoutMs: within(mqtt) },
      iotCore: { ...iotCore, connectTimeoutMs: within(iotCore) },
    },
  };
}

/** Secrets whose adapter is loaded at the first use. */
function deferred(secrets: () => Promise<Secrets>): Secrets {
  return { kind: 'deferred', get: async (options) => (await secrets()).get(options) };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function close(connection: () => ServiceNowConnection): void {
  try {
    connection().close();
  } catch {
    // A connection that could not be made has been told as a finding.
  }
}
