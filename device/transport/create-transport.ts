import { createHash } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import type { Ipc } from '../greengrass/ipc.ts';
import { notUnderGreengrass } from '../greengrass/ipc-client.ts';
import { AppError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time } from '../platform/time.ts';
import type { InProcessBus } from './in-process.ts';
import type { CountingTransport, LastWill } from './transport.ts';

export interface CreateTransportDeps {
  /** Which program this is (`monitor`, `handler`, `doctor`, …): tells the clients of one device apart at the broker. */
  component: string;
  logger: Logger;
  time: Time;
  /** Uniform in [0, 1); spreads reconnects. */
  random: () => number;
  will?: LastWill;
  /** The bus of kind `in-process`, shared by whoever is to hear each other. */
  inProcess?: InProcessBus;
  /** The nucleus of kind `greengrass-ipc`, for a process that one started. */
  ipc?: Ipc;
}

/**
 * The transport that configuration chooses, not started; only the adapter of that kind is loaded.
 * @throws AppError `unsupported-transport`, `not-under-greengrass`
 */
export async function createTransport(
  { deviceId, transport: config }: Pick<Config, 'deviceId' | 'transport'>,
  { component, logger, time, random, will, inProcess, ipc }: CreateTransportDeps,
): Promise<CountingTransport> {
  const clientId = config.mqtt.clientId ?? clientIdOf(deviceId, component);
  const lastWill = will === undefined ? {} : { will };
  switch (config.kind) {
    case 'mqtt': {
      const { createMqttTransport } = await import('./mqtt.ts');
      return createMqttTransport(config, { clientId, logger, time, random, ...lastWill });
    }
    case 'iot-core': {
      const { createIotCoreTransport } = await import('./iot-core.ts');
      const thingName = config.iotCore.thingName ?? deviceId;
      const clientSuffix = component === 'monitor' ? {} : { clientSuffix: component };
      return createIotCoreTransport(config, { thingName, ...clientSuffix, logger, time, random, ...lastWill });
    }
    case 'in-process': {
      if (inProcess === undefined) {
        throw new AppError(
          'unsupported-transport',
          `transport.kind in-process works only where monitor and handler run in one process, and this ${component} runs alone. Use mqtt.`,
        );
      }
      const { maxPayloadBytes } = config;
      return inProcess.transport({ name: clientId, maxPayloadBytes, logger, ...lastWill });
    }
    case 'greengrass-ipc': {
      if (ipc === undefined) throw notUnderGreengrass('transport.kind greengrass-ipc');
      const { createGreengrassTransport } = await import('./greengrass-ipc.ts');
      return createGreengrassTransport(config, { ipc, logger });
    }
  }
}

/** AWS IoT takes 128 characters, many brokers fewer; MQTT 3.1.1 promises 23. */
const longestClientId = 64;
const digestLength = 8;

/**
 * `<device>-<component>` of letters, digits, `_` and `-`. Where the device id had to be changed or cut, a part of its
 * digest follows, so that no two devices get one client id and push each other out.
 */
function clientIdOf(deviceId: string, component: string): string {
  const room = longestClientId - component.length - 1;
  const safe = deviceId.replace(/[^A-Za-z0-9_-]/g, '_');
  if (safe === deviceId && safe.length <= room) return `${safe}-${component}`;
  const digest = createHash('sha256').update(deviceId).digest('hex').slice(0, digestLength);
  return `${safe.slice(0, room - digestLength - 1)}-${digest}-${component}`;
}
