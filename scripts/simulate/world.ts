import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../device/config/schema.ts';
import { AppError } from '../../device/platform/errors.ts';
import type { Logger } from '../../device/platform/logger.ts';
import type { Time } from '../../device/platform/time.ts';
import { createSecretFileIfMissing } from '../../device/secrets/file.ts';
import { parseSecret } from '../../device/secrets/parse-secret.ts';
import { startBroker } from '../../device/simulation/broker.ts';
import { type ServiceNow, startServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';
import { makeDataFolder } from './data-dir.ts';

/** What surrounds the two components in a local run. */
export interface World {
  brokerUrl: string;
  serviceNow: ServiceNow;
  /** The configuration of a component, with this world's addresses in it. */
  configFor(component: 'monitor' | 'handler', config: Config): Config;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** The user under which the handler logs in: it may read and write records, and nothing else. */
const handlerUser = 'greengrass';

export interface WorldOptions {
  dataDir: string;
  serviceNowPort: number;
  brokerPort: number;
  /** Clock of the instance's stamps: the recording's in a replay. */
  time: Time;
  logger: Logger;
}

/**
 * Starts the MQTT broker and the local ServiceNow on loopback. The handler's secret is made at the first run.
 * @throws AppError `port-in-use`, `store-unusable`, `secret-not-written`, …: each a sentence that says what to do.
 */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { dataDir, logger } = options;
  const folders = { monitor: join(dataDir, 'monitor'), handler: join(dataDir, 'handler') };
  for (const folder of Object.values(folders)) makeDataFolder(folder);
  const secretFile = join(folders.handler, 'greengrass-snow-creds.json');
  const password = await handlerPassword(secretFile);

  const serviceNow = await startServiceNow({
    port: options.serviceNowPort,
    dataDir: join(dataDir, 'servicenow'),
    time: options.time,
    logger: logger.child({ component: 'servicenow' }),
  }).catch((error: unknown) => {
    if (!(error instanceof AppError) || error.reason !== 'port-in-use') throw error;
    throw new AppError(
      'port-in-use',
      `Port ${options.serviceNowPort} on 127.0.0.1 is in use, so the local ServiceNow cannot start. ` +
        'Is another npm start running? End it, or choose another port with --servicenow-port (0 takes any free one).',
      { cause: error },
    );
  });
  serviceNow.addUser({ userName: handlerUser, password, roles: ['itil'] });

  const users = { monitor: randomBytes(18).toString('base64url'), handler: randomBytes(18).toString('base64url') };
  const passwordFiles = {
    monitor: join(folders.monitor, 'mqtt-password'),
    handler: join(folders.handler, 'mqtt-password'),
  };
  for (const name of ['monitor', 'handler'] as const) {
    rmSync(passwordFiles[name], { force: true });
    writeFileSync(passwordFiles[name], users[name], { mode: 0o600 });
  }
  const broker = await startBroker({
    port: options.brokerPort,
    users,
    logger: logger.child({ component: 'broker' }),
    portOption: '--broker-port',
  }).catch(async (error: unknown) => {
    await serviceNow.stop();
    throw error;
  });

  return {
    brokerUrl: broker.url,
    serviceNow,
    configFor: (component, config) => ({
      ...config,
      store: { ...config.store, dataDir: folders[component] },
      transport: {
        ...config.transport,
        kind: 'mqtt',
        mqtt: {
          ...config.transport.mqtt,
          url: broker.url,
          username: component,
          passwordFile: passwordFiles[component],
        },
      },
      // The instance stays the same when its port changes.
      serviceNow: { ...config.serviceNow, url: serviceNow.url, instanceName: 'local' },
      secrets: { ...config.secrets, kind: 'file', file: secretFile },
    }),
    async stop() {
      await Promise.all([broker.stop(), serviceNow.stop()]);
    },
  };
}

/** The password that the handler's secret file holds; the file is made where there is none. */
async function handlerPassword(file: string): Promise<string> {
  const fresh = { username: handlerUser, password: randomBytes(18).toString('base64url') };
  await createSecretFileIfMissing(file, fresh);
  const parsed = parseSecret(readFileSync(file, 'utf8'), file);
  if (!parsed.ok) throw new AppError('secret-malformed', parsed.message);
  const { password } = parsed.credentials;
  if (password === undefined || parsed.credentials.username !== handlerUser) {
    throw new AppError(
      'secret-malformed',
      `${file} does not hold the user ${handlerUser} of the local ServiceNow. Remove it, or start with --reset.`,
    );
  }
  return password;
}
