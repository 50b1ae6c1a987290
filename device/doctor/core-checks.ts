import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { socketVariable } from '../greengrass/ipc-client.ts';
import { codeOf, messageOf } from '../platform/errors.ts';
import type { Time } from '../platform/time.ts';
import { type Check, type Finding, fail, ok, skip, warn } from './check.ts';
import type { Core, CoreComponent } from './core.ts';
import { shellWord } from './disk-checks.ts';

const topic = 'Greengrass';
const dayMs = 86_400_000;
/** A certificate of AWS IoT ends in 2049; one of another authority may end soon. */
const soonMs = 30 * dayMs;

/** What to do where something is examined that only components can reach. */
export const asComponent =
  'On the core run the doctor that lies beside the deployed monitor, as root; or this one with --greengrass /greengrass/v2.';

/** Name of the check that a component runs, for checks that ask the nucleus as that component. */
export const runs = ({ program }: Pick<CoreComponent, 'program'>) => `component ${program}`;

/** The nucleus, the device's identity, and whether its components run. */
export function coreChecks(core: Core, time: Time): Check[] {
  return [
    { name: 'nucleus', topic, run: () => nucleus(core) },
    { name: 'certificate', topic, run: () => certificate(core, time.wallMs()) },
    ...[core.monitor, core.handler].map((one) => ({ name: runs(one), topic, run: () => component(core, one) })),
  ];
}

function component(core: Core, { name, deployed, process }: CoreComponent): Finding {
  const logs = join(core.root, 'logs');
  switch (process.state) {
    case 'runs':
      return ok(`${name} runs (process ${process.pid})`);
    case 'hidden':
      return fail(`${name} runs (process ${process.pid}), and may be looked at by root alone`, 'Run this with sudo.');
    case 'absent': {
      if (!deployed) return notDeployed(core, name);
      const log = existsSync(logs)
        ? `sudo tail -n 50 ${shellWord(join(logs, `${name}.log`))}`
        : `journalctl -u ggl.${name}`;
      return fail(`${name} is deployed, and does not run`, `${log}: its last lines say why.`);
    }
  }
}

/** A core may have one of the two; one that has neither waits for its deployment. */
function notDeployed({ monitor, handler }: Core, name: string): Finding {
  const found = `${name} is not deployed on this core`;
  if (monitor.deployed || handler.deployed) return skip(found);
  return fail(found, 'npm run provision -- create … --wait, on the workstation, says how far the deployment is.');
}

/** Whether something listens: what it says to a component is another check's. */
async function nucleus({ root, monitor, handler }: Core): Promise<Finding> {
  const told = [monitor, handler].flatMap(({ process }) =>
    process.state === 'runs' ? (process.env[socketVariable] ?? []) : [],
  );
  const sockets = [...told, join(root, 'ipc.socket'), join(root, 'gg-ipc.socket')];
  const socket = sockets.find((path) => existsSync(path));
  const service = existsSync(join(root, 'logs'))
    ? `sudo systemctl status greengrass; sudo tail -n 50 ${shellWord(join(root, 'logs', 'greengrass.log'))}`
    : 'sudo systemctl status --with-dependencies greengrass-lite.target';
  if (socket === undefined) return fail(`no socket ${join(root, 'ipc.socket')}: it has never run here`, service);
  const refused = await new Promise<unknown>((resolve) => {
    const connection = connect(socket);
    connection.on('connect', () => resolve(undefined)).on('error', resolve);
    connection.on('connect', () => connection.destroy());
  });
  if (refused === undefined) return ok(`listens on ${socket}`);
  if (codeOf(refused) === 'EACCES') return fail(`${socket} may not be opened`, 'Run this with sudo.');
  return fail(`nothing listens on ${socket} (${codeOf(refused) ?? messageOf(refused)})`, service);
}

const systemSchema = z.object({
  system: z.object({
    certificateFilePath: z.string(),
    privateKeyPath: z.string(),
    rootCaPath: z.string(),
    thingName: z.string(),
  }),
});

async function certificate({ system: read }: Core, nowMs: number): Promise<Finding> {
  const provision = 'sudo npm run provision -- install BUNDLE (cloud/greengrass/README.md)';
  if ('flaw' in read) return fail(read.flaw, provision);
  const parsed = systemSchema.safeParse(read.value);
  if (!parsed.success) {
    const missing = parsed.error.issues.map(({ path }) => path.join('.')).join(', ');
    return fail(`${read.file} says nothing that can be used for ${missing}`, provision);
  }
  const { certificateFilePath, privateKeyPath, rootCaPath, thingName } = parsed.data.system;
  let own: X509Certificate;
  let authority: X509Certificate;
  try {
    own = new X509Certificate(await readFile(certificateFilePath));
    authority = new X509Certificate(await readFile(rootCaPath));
    if (!own.checkPrivateKey(createPrivateKey(await readFile(privateKeyPath)))) {
      return fail(`${certificateFilePath} is not the certificate of ${privateKeyPath}`, provision);
    }
  } catch (error) {
    const denied = codeOf(error) === 'EACCES';
    return fail(
      `what ${read.file} names cannot be read: ${messageOf(error)}`,
      denied ? 'Run this with sudo.' : provision,
    );
  }
  const { mode } = await stat(privateKeyPath);
  if ((mode & 0o077) !== 0) {
    return fail(`${privateKeyPath} is open to other users`, `sudo chmod 600 ${shellWord(privateKeyPath)}`);
  }
  return (
    datesOf({ [certificateFilePath]: own, [rootCaPath]: authority }, nowMs) ??
    ok(`of ${thingName}, until ${day(Date.parse(own.validTo))}`)
  );
}

/** The first that is not valid now, or soon not any more. */
function datesOf(certificates: Readonly<Record<string, X509Certificate>>, nowMs: number): Finding | undefined {
  for (const [file, { validFrom, validTo }] of Object.entries(certificates)) {
    const [fromMs, toMs] = [Date.parse(validFrom), Date.parse(validTo)];
    if (nowMs < fromMs) {
      const clock = `and this machine's clock says ${day(nowMs)}`;
      return fail(
        `${file} is valid from ${day(fromMs)}, ${clock}`,
        'sudo timedatectl set-ntp true: the clock is wrong.',
      );
    }
    const renew = 'Give the device a new key: "give the Pi a new key" in cloud/greengrass/README.md.';
    if (nowMs > toMs) return fail(`${file} was valid until ${day(toMs)}`, renew);
    if (nowMs > toMs - soonMs) return warn(`${file} is valid until ${day(toMs)}`, renew);
  }
  return undefined;
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
