import { createPublicKey } from 'node:crypto';
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { AppError } from '../../device/platform/errors.ts';
import { testAuthority } from '../../device/simulation/test-certificates.ts';

export interface CertificateOptions {
  folder: string;
  /** Common name of the device's certificate. */
  thing: string;
  /** Names and addresses that the broker's certificate is for. */
  hosts: readonly string[];
  /** Port that the broker's configuration names. */
  port: number;
  validDays: number;
  /** Replaces what is there. */
  force: boolean;
}

export interface WrittenFile {
  path: string;
  what: string;
}

/** Of the owner alone; the rest may be read. */
const keyMode = 0o600;

/**
 * A test authority, the device's certificate and key by the names of `certs.example/README.md`, and what a local broker
 * needs to ask for them. The authority's key is not kept.
 * @throws AppError `files-exist` where a file is there already, and nothing is written then
 */
export async function makeCertificates(options: CertificateOptions): Promise<WrittenFile[]> {
  const folder = resolve(options.folder);
  const at = (name: string) => join(folder, name);
  const authority = await testAuthority(`Test authority of ${options.thing}`, options.validDays);
  const [device, broker] = await Promise.all([authority.client(options.thing), authority.server([...options.hosts])]);
  const publicKey = createPublicKey(device.cert).export({ type: 'spki', format: 'pem' }).toString();
  const files = [
    { name: 'root.ca.pem', text: authority.cert, what: 'test authority: what both sides trust' },
    { name: 'iot-ge.cert.pem', text: device.cert, what: `certificate of the device ${options.thing}` },
    { name: 'iot-ge.private.key', text: device.key, what: 'its private key', mode: keyMode },
    { name: 'iot-ge.public.key', text: publicKey, what: 'its public key; nothing reads it' },
    { name: 'broker.cert.pem', text: broker.cert, what: `certificate of the broker on ${options.hosts.join(', ')}` },
    { name: 'broker.private.key', text: broker.key, what: 'its private key', mode: keyMode },
    { name: 'mosquitto.conf', text: mosquittoConfig(at, options.port), what: 'a broker that asks for the certificate' },
  ];
  if (!options.force) await refuseToReplace(files.map(({ name }) => at(name)));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const { name, text, mode = 0o644 } of files) {
    // A file that is there would keep its mode.
    await rm(at(name), { force: true });
    await writeFile(at(name), text.endsWith('\n') ? text : `${text}\n`, { mode, flag: 'wx' });
  }
  return files.map(({ name, what }) => ({ path: join(options.folder, name), what }));
}

async function refuseToReplace(paths: string[]): Promise<void> {
  const there: string[] = [];
  for (const path of paths) {
    await access(path).then(
      () => there.push(path),
      () => {},
    );
  }
  if (there.length === 0) return;
  throw new AppError(
    'files-exist',
    `${there.join(', ')} ${there.length === 1 ? 'is' : 'are'} there already, and a key that is replaced is gone: nothing was written. ` +
      'Choose another --folder, or replace them with --force.',
  );
}

function mosquittoConfig(at: (name: string) => string, port: number): string {
  const lines = [
    `listener ${port} 127.0.0.1`,
    'persistence false',
    'log_dest stderr',
    // Started as root it would become a user that may not read the key.
    `user ${userInfo().username}`,
    `cafile ${at('root.ca.pem')}`,
    `certfile ${at('broker.cert.pem')}`,
    `keyfile ${at('broker.private.key')}`,
    'require_certificate true',
    'use_identity_as_username true',
    'set_tcp_nodelay true',
  ];
  return `${lines.join('\n')}\n`;
}
