import type { ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRecipe } from '../../../cloud/greengrass/recipe.ts';
import { nodeFlags } from '../../../cloud/greengrass/recipe-run.ts';
import { access } from './access.ts';
import { startChild } from './child.ts';
import { nodeRedCredentials, nodeRedFlow } from './node-red-flow.ts';
import type { Programs } from './programs.ts';
import type { World } from './world.ts';

/** Something that turns readings on the broker into incidents at the receiver. */
export interface System {
  name: string;
  /** Starts it, on the data that it has where it ran before in this world. */
  start(world: World): Promise<ChildProcess>;
}

export interface RuntimeOptions {
  /** Its store; default in the folder of the world. */
  dataDir?: string;
  /** The `node` that runs it; default that of this process. */
  node?: string;
  /** Whether it publishes the readings again, as it does by default. */
  republish?: boolean;
}

/** This runtime from its bundle, as a gateway; storm guard, cap, charts and delays are off. */
export function greengrassItsm(programs: Programs, options: RuntimeOptions = {}): System {
  const { dataDir, node = process.execPath, republish = true } = options;
  const flags = nodeFlags(readRecipe('com.iotblog.AnomalyHandler'));
  return {
    name: 'greengrass-itsm',
    async start({ folder, broker, receiver }) {
      const [passwordFile, secretFile] = [join(folder, 'mqtt-password'), join(folder, 'secret.json')];
      await writeFile(passwordFile, access.password, { mode: 0o600 });
      await writeFile(secretFile, JSON.stringify(access), { mode: 0o600 });
      const configuration = {
        ...gatewayConfiguration,
        sensor: { kind: 'mqtt', mqtt: { topicFilter: 'IoTBlog/gateway/+', maxDevices: 1_000_000, republish } },
        transport: {
          kind: 'mqtt',
          mqtt: { url: `mqtt://127.0.0.1:${broker.port}`, username: access.username, passwordFile },
        },
        serviceNow: { url: receiver.url, timeoutMs: 10_000, attachChart: false },
        secrets: { kind: 'file', file: secretFile },
        store: { dataDir: dataDir ?? join(folder, 'data'), reserveBytes: 0 },
      };
      const file = join(folder, 'bench.json');
      await writeFile(file, JSON.stringify(configuration));
      return startChild(node, [...flags, programs.path('both'), file], {
        logFile: join(folder, 'system.log'),
      });
    },
  };
}

const gatewayConfiguration = {
  site: 'bench',
  deviceId: 'gateway',
  thresholds: { temperature: { upper: 30, deadband: 0.5, onDelayMs: 0, offDelayMs: 0 } },
  noData: { enabled: false },
  handler: {
    ...{ claimMs: 0, quietMs: 0, reopenWindowMs: 0, deviceSilentMs: 0, noteIntervalMs: 3_600_000 },
    ...{ maxNewPerHour: 1_000_000, storm: { keys: 100_000, windowMs: 100 }, maxDevices: 1_000_000 },
  },
  delivery: { settleMs: 500, backoffBaseMs: 50, backoffCapMs: 300, pauseMs: 500, breakerFailures: 1_000 },
  http: { monitorPort: -1, handlerPort: -1 },
  log: { level: 'warn' },
};

/** @param folder where node-red is installed */
export function nodeRed(folder: string): System {
  return {
    name: 'Node-RED',
    async start(world) {
      const userDir = join(world.folder, 'node-red');
      await mkdir(userDir, { recursive: true });
      const flow = nodeRedFlow({ brokerPort: world.broker.port, url: world.receiver.url });
      const files = {
        'flows.json': JSON.stringify(flow),
        'flows_cred.json': JSON.stringify(nodeRedCredentials()),
        'settings.cjs': settings,
      };
      for (const [name, text] of Object.entries(files)) await writeFile(join(userDir, name), text, { mode: 0o600 });
      const red = join(folder, 'node_modules', 'node-red', 'red.js');
      const args = [red, '--userDir', userDir, '--settings', join(userDir, 'settings.cjs')];
      return startChild(process.execPath, args, { logFile: join(world.folder, 'system.log'), cwd: folder });
    },
  };
}

/** Without the editor, which a device in the field has no use for; it would cost memory. */
const settings = `module.exports = {
  uiHost: '127.0.0.1', uiPort: 0, httpAdminRoot: false, flowFile: 'flows.json', credentialSecret: false,
  telemetry: { enabled: false }, logging: { console: { level: 'warn' } },
};
`;

/** @param python interpreter that has paho-mqtt and requests */
export function postScript(python: string): System {
  return {
    name: 'paho + requests',
    async start({ broker, receiver, folder }) {
      const script = join(import.meta.dirname, 'post_script.py');
      const args = [script, String(broker.port), receiver.url, access.username, access.password];
      return startChild(python, args, { logFile: join(folder, 'system.log') });
    },
  };
}
