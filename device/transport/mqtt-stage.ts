import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, configSchema } from '../config/schema.ts';
import { seededRandom } from '../platform/random.ts';
import { systemTime, type Time } from '../platform/time.ts';
import { startTcpProxy, type TcpProxy } from '../simulation/tcp-proxy.ts';
import { createMqttTransport } from './mqtt.ts';
import type { CountingTransport } from './transport.ts';
import type { ClientOptions, TransportStage, WiredClient } from './transport-contract.ts';

export type MqttConfig = Config['transport']['mqtt'];

/** The transport's configuration with pauses for tests; `change` is laid over it. */
export function mqttConfig(change: Partial<MqttConfig>): MqttConfig {
  const { mqtt } = configSchema.parse({}).transport;
  return { ...mqtt, reconnectBaseMs: 5, reconnectCapMs: 20, ...change };
}

let clients = 0;

/** An MQTT transport on its own, with the defaults of tests. */
export function mqttTransport(
  mqtt: MqttConfig,
  {
    maxPayloadBytes,
    will,
    logger,
    time = systemTime,
  }: Required<Pick<ClientOptions, 'maxPayloadBytes' | 'logger'>> & ClientOptions & { time?: Time },
  clientId?: string,
): CountingTransport {
  clients += 1;
  return createMqttTransport(
    { mqtt, maxPayloadBytes },
    {
      clientId: clientId ?? `test-${process.pid}-${clients}`,
      logger,
      time,
      random: seededRandom(clients),
      ...(will === undefined ? {} : { will }),
    },
  );
}

/** A stage of MQTT clients, each on a wire of its own to the broker. `mqtt` is what they need to be let in. */
export function mqttStage(
  broker: { port: number; protocol: 'mqtt' | 'mqtts' },
  mqtt: Partial<MqttConfig>,
): TransportStage {
  const proxies: TcpProxy[] = [];
  return {
    async client(name, options): Promise<WiredClient> {
      const proxy = await startTcpProxy(broker.port);
      proxies.push(proxy);
      const url = `${broker.protocol}://127.0.0.1:${proxy.port}`;
      clients += 1;
      const clientId = `${name}-${process.pid}-${clients}`;
      const transport = mqttTransport(mqttConfig({ ...mqtt, url }), options, clientId);
      return { transport, cut: proxy.cut, restore: proxy.restore, silence: proxy.silence };
    },
    async close() {
      await Promise.all(proxies.map((proxy) => proxy.stop()));
    },
  };
}

/** A folder for the files of one test file. */
export interface TestFolder {
  path: string;
  /** Writes a file that its owner alone may read, and gives its path. */
  write(name: string, text: string, mode?: number): Promise<string>;
  remove(): Promise<void>;
}

export async function testFolder(): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), 'mqtt-'));
  return {
    path,
    async write(name, text, mode = 0o600) {
      const file = join(path, name);
      await writeFile(file, text);
      await chmod(file, mode);
      return file;
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
