import type { Config } from '../config/schema.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time } from '../platform/time.ts';
import { openIotConnection } from './iot-core/connection.ts';
import { iotCoreTopicProblem, longestPayloadBytes } from './iot-core/limits.ts';
import { checkThingName, endpointOf, readCredentials, validityProblem } from './iot-core/options.ts';
import { areaOf } from './iot-core/policy-statement.ts';
import { tlsContexts } from './iot-core/tls-context.ts';
import { createReconnectingTransport } from './reconnecting-transport.ts';
import type { CountingTransport, LastWill } from './transport.ts';

export interface IotCoreTransportDeps {
  /** The thing that the certificate belongs to. */
  thingName: string;
  /** Tells a further client of the thing apart: `<thing>#<suffix>`. The thing's own client has none. */
  clientSuffix?: string;
  logger: Logger;
  time: Time;
  /** Uniform in [0, 1); spreads reconnects. */
  random: () => number;
  will?: LastWill;
}

/**
 * AWS IoT Core by MQTT 5 over mutual TLS. Nothing is queued while offline, and no session is kept. What the policy of the
 * certificate does not allow is told with the statement to add.
 */
export function createIotCoreTransport(
  { iotCore: config, maxPayloadBytes }: Pick<Config['transport'], 'iotCore' | 'maxPayloadBytes'>,
  { thingName, clientSuffix, logger, time, random, will }: IotCoreTransportDeps,
): CountingTransport {
  const { port, connectTimeoutMs, keepAliveMs, publishTimeoutMs, reconnectBaseMs, reconnectCapMs } = config;
  const tlsOf = tlsContexts();
  const clientId = clientSuffix === undefined ? thingName : `${thingName}#${clientSuffix}`;
  return createReconnectingTransport({
    kind: 'iot-core',
    clientId,
    connectTimeoutMs,
    publishTimeoutMs,
    reconnectBaseMs,
    reconnectCapMs,
    maxPayloadBytes: Math.min(maxPayloadBytes, longestPayloadBytes),
    topicProblem: iotCoreTopicProblem,
    async prepare() {
      const endpoint = endpointOf(config);
      checkThingName(thingName);
      const credentials = await readCredentials(config);
      const hindrance = validityProblem(credentials.cert, config, time);
      const address = `${endpoint}:${port}`;
      const peer = { address, area: areaOf(endpoint), clientId };
      return {
        address,
        ...(hindrance === undefined ? {} : { hindrance }),
        connect: (events) =>
          openIotConnection({
            endpoint,
            port,
            peer,
            credentials,
            tls: tlsOf(credentials),
            will,
            connectTimeoutMs,
            keepAliveMs,
            publishTimeoutMs,
            time,
            events,
          }),
      };
    },
    logger,
    time,
    random,
  });
}
