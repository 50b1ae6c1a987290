import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, silentLogger } from '../platform/logger.ts';
import { seededRandom } from '../platform/random.ts';
import { systemTime } from '../platform/time.ts';
import type { Ipc, IpcState } from './ipc.ts';
import { createIpcClient, type IpcClientDeps } from './ipc-client.ts';
import { type AccessControl, startTestNucleus, type TestNucleus, type TestNucleusOptions } from './test-ipc-server.ts';

export interface NucleusStage {
  nucleus: TestNucleus;
  /** A component's client, started by the test and stopped with the stage; default: with access to everything. */
  ipc(name?: string, configuration?: Record<string, unknown>, deps?: Partial<IpcClientDeps>): Ipc;
  close(): Promise<void>;
}

const all = { operations: ['*'], resources: ['*'] };

/** Lets a component do whatever it wants. */
export const accessToAll: AccessControl = {
  'aws.greengrass.ipc.pubsub': { 'a:pubsub:1': all },
  'aws.greengrass.ipc.mqttproxy': { 'a:mqttproxy:1': all },
  'aws.greengrass.SecretManager': { 'a:secrets:1': all },
};

/** A nucleus in a folder of its own, and clients of the SDK on it with short pauses. */
export async function nucleusStage(options: Omit<TestNucleusOptions, 'socket'> = {}): Promise<NucleusStage> {
  const folder = await mkdtemp(join(tmpdir(), 'nucleus-'));
  const nucleus = await startTestNucleus({ socket: join(folder, 'ipc.socket'), ...options });
  const clients: Ipc[] = [];
  return {
    nucleus,
    ipc(name = 'component', configuration = { accessControl: accessToAll }, deps = {}) {
      const env = nucleus.component(name, configuration);
      const client = createIpcClient({
        ...{ env, component: name, time: systemTime, random: seededRandom(clients.length + 1) },
        ...{ logger: silentLogger satisfies Logger, backoff: { baseMs: 5, capMs: 20 }, ...deps },
      });
      clients.push(client);
      return client;
    },
    async close() {
      await Promise.all(clients.map((client) => client.stop()));
      await nucleus.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves once the client is, or comes to be, in that state. */
export function untilIpc(ipc: Ipc, wanted: IpcState['state']): Promise<void> {
  if (ipc.state().state === wanted) return Promise.resolve();
  return new Promise((resolve) => {
    const remove = ipc.onState(({ state }) => {
      if (state !== wanted) return;
      remove();
      resolve();
    });
  });
}
