import type { Config } from '../config/schema.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time } from '../platform/time.ts';
import { openConnection } from './mqtt/connection.ts';
import { connectionOptions } from './mqtt/options.ts';
import { createReconnectingTransport } from './reconnecting-transport.ts';
import type { CountingTransport, LastWill } from './transport.ts';

export interface MqttTransportDeps {
  /** No two clients of a broker may share one: the newer would push out the older. */
  clientId: string;
  logger: Logger;
  time: Time;
  /** Uniform in [0, 1); spreads reconnects. */
  random: () => number;
  will?: LastWill;
}

/** MQTT 3.1.1 over TCP or TLS. */
export function createMqttTransport(
  { mqtt: config, maxPayloadBytes }: Pick<Config['transport'], 'mqtt' | 'maxPayloadBytes'>,
  { clientId, logger, time, random, will }: MqttTransportDeps,
): CountingTransport {
  const { connectTimeoutMs, publishTimeoutMs, reconnectBaseMs, reconnectCapMs } = config;
  return createReconnectingTransport({
    kind: 'mqtt',
    clientId,
    connectTimeoutMs,
    publishTimeoutMs,
    reconnectBaseMs,
    reconnectCapMs,
    maxPayloadBytes,
    async prepare() {
      const client = await connectionOptions(config, { clientId, will });
      return {
        address: `${client.host}:${client.port}`,
        connect: (events) => openConnection({ client, time, publishTimeoutMs, events }),
      };
    },
    logger,
    time,
    random,
  });
}
