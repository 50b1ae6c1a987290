import { randomBytes } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import { createServiceNow } from '../incident/servicenow/client.ts';
import { connectServiceNow, type ServiceNowConnection } from '../incident/servicenow/connection.ts';
import { createTableReader } from '../incident/servicenow/table-reader.ts';
import type { MachineClock } from '../monitor/machine-clock.ts';
import { silentLogger } from '../platform/logger.ts';
import { systemTime } from '../platform/time.ts';
import { createSecrets, secretFile } from '../secrets/create-secrets.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { createSource } from '../sensor/create-source.ts';
import { createTransport } from '../transport/create-transport.ts';
import { topics } from '../transport/topics.ts';
import { brokerCheck } from './broker-check.ts';
import { type CheckReport, runChecks } from './check.ts';
import { configurationChecks, type KeptHere } from './configuration-check.ts';
import { diskChecks } from './disk-checks.ts';
import { instanceChecks } from './instance-checks.ts';
import type { Machine } from './machine.ts';
import { machineChecks } from './machine-checks.ts';
import { mappingChecks } from './mapping-checks.ts';
import { secretCheck } from './secret-check.ts';
import { sensorChecks } from './sensor-checks.ts';
import { testIncidentCheck } from './test-incident.ts';

export interface ExamineOptions {
  config: Config;
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
export async function examine({
  config,
  kept,
  machine,
  machineClock,
  write,
  networkMs = usualNetworkMs,
}: ExamineOptions): Promise<CheckReport[]> {
  const time = systemTime;
  const deps = { logger: silentLogger, time, random: Math.random };
  const { dataDir } = config.store;
  // A lasting write that is cut off leaves an incident behind, so it gets the time that the handler would give it.
  const timeoutMs = Math.min(config.serviceNow.timeoutMs, networkMs);
  const serviceNow = write ? config.serviceNow : { ...config.serviceNow, timeoutMs };
  const secrets = once(() => createSecrets(config.secrets, { dataDir, time }));
  const connection = once(() => connectServiceNow(serviceNow, { ...deps, secrets: deferred(secrets) }));
  const read = once(() => createTableReader(connection()));
  const destination = once(() => createServiceNow(serviceNow, { ...deps, secrets: deferred(secrets) }, connection()));

  try {
    return await runChecks(
      [
        ...machineChecks(machine, machineClock, time),
        ...diskChecks(config.store),
        ...configurationChecks(kept),
        ...sensorChecks({
          config: config.sensor,
          machine,
          source: () => createSource(config, deps),
        }),
        brokerCheck({
          config: config.transport,
          topic: topics(config.topics).handlerStatus,
          transport: () => createTransport(ownClient(config, networkMs), { component: 'doctor', ...deps }),
          time,
          withinMs: networkMs,
        }),
        secretCheck({ config: config.secrets, file: secretFile(config.secrets, dataDir), secrets }),
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
      ],
      { time, limitMs: checkMs },
    );
  } finally {
    close(connection);
  }
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
