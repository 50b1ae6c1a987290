import { type Config, configSchema } from '../config/schema.ts';
import { seededRandom } from '../platform/random.ts';
import { systemTime, type Time } from '../platform/time.ts';
import { startTcpProxy, type TcpProxy } from '../simulation/tcp-proxy.ts';
import type { CertificateAndKey } from '../simulation/test-certificates.ts';
import { createIotCoreTransport } from './iot-core.ts';
import type { TestFolder } from './mqtt-stage.ts';
import type { CountingTransport } from './transport.ts';
import type { ClientOptions, TransportStage, WiredClient } from './transport-contract.ts';

export type IotCoreConfig = Config['transport']['iotCore'];

/** The transport's configuration with pauses for tests; `change` is laid over it. */
export function iotCoreConfig(change: Partial<IotCoreConfig>): IotCoreConfig {
  const { iotCore } = configSchema.parse({}).transport;
  return { ...iotCore, reconnectBaseMs: 5, reconnectCapMs: 20, ...change };
}

let clients = 0;

/** A transport on its own, with the defaults of tests. */
export function iotCoreTransport(
  iotCore: IotCoreConfig,
  {
    maxPayloadBytes,
    will,
    logger,
    time = systemTime,
  }: Required<Pick<ClientOptions, 'maxPayloadBytes' | 'logger'>> & ClientOptions & { time?: Time },
  name: { thingName?: string; clientSuffix?: string } = {},
): CountingTransport {
  clients += 1;
  return createIotCoreTransport(
    { iotCore, maxPayloadBytes },
    {
      thingName: `test-${process.pid}-${clients}`,
      ...name,
      logger,
      time,
      random: seededRandom(clients),
      ...(will === undefined ? {} : { will }),
    },
  );
}

/** A stage of clients, each on a wire of its own to the broker. `iotCore` is what they need to be let in. */
export function iotCoreStage(brokerPort: number, iotCore: Partial<IotCoreConfig>): TransportStage {
  const proxies: TcpProxy[] = [];
  return {
    async client(name, options): Promise<WiredClient> {
      const proxy = await startTcpProxy(brokerPort);
      proxies.push(proxy);
      clients += 1;
      const thingName = `${name}-${process.pid}-${clients}`;
      const transport = iotCoreTransport(iotCoreConfig({ ...iotCore, port: proxy.port }), options, { thingName });
      return { transport, cut: proxy.cut, restore: proxy.restore, silence: proxy.silence };
    },
    async close() {
      await Promise.all(proxies.map((proxy) => proxy.stop()));
    },
  };
}

/** Certificate, key and CA as files, and their names as configuration has them. */
export async function credentialFiles(
  folder: TestFolder,
  name: string,
  { cert, key }: CertificateAndKey,
  ca: string,
): Promise<Pick<IotCoreConfig, 'certFile' | 'keyFile' | 'caFile'>> {
  return {
    certFile: await folder.write(`${name}.cert.pem`, cert),
    keyFile: await folder.write(`${name}.private.key`, key),
    caFile: await folder.write(`${name}.ca.pem`, ca),
  };
}
