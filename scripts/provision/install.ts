import { createPublicKey, X509Certificate } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { awsComponents } from '../../cloud/greengrass/definition.ts';
import { AppError, codeOf, messageOf } from '../../device/platform/errors.ts';
import type { Bundle } from './bundle.ts';
import { files, privateKeyIn } from './identity.ts';
import { keyIdOf } from './key-id.ts';
import { type Nucleus, nucleusConfig } from './nucleus-config.ts';

export type InstalledFor = Nucleus | 'none';

export interface InstallOptions {
  /** Folder with the private key of `keygen`; takes certificate and authority too. */
  keys: string;
  /** Root folder of the nucleus. */
  target: string;
  /** `none`: a Pi without Greengrass, whose components speak to AWS IoT themselves. */
  nucleus: InstalledFor;
  nowMs: number;
}

export interface PlacedFile {
  path: string;
  changed: boolean;
}

/**
 * Puts a bundle in place: beside the key for components that speak to AWS IoT themselves, and below the nucleus's root
 * with a copy of the key and a `config.yaml`. What is there and right is left as it is.
 * @throws AppError `bad-key`, `bad-certificate`, `key-mismatch`, `unwritable`; nothing is written before all is checked
 */
export function install(bundle: Bundle, { keys, target, nucleus, nowMs }: InstallOptions): PlacedFile[] {
  const keyFile = join(keys, files.key);
  const key = privateKeyIn(keyFile);
  checkCertificate(bundle, keyIdOf(createPublicKey(key)), keyFile, nowMs);
  const placed = placePublic(resolve(keys), bundle);
  if (nucleus === 'none') return placed;
  const root = resolve(target);
  const certs = join(root, 'certs');
  placed.push(...placePublic(certs, bundle));
  placed.push(place(join(certs, files.key), readFileSync(keyFile, 'utf8'), 0o600));
  placed.push(place(join(root, 'config.yaml'), nucleusConfig(bundle.facts, root, nucleus), 0o644));
  return placed;
}

function placePublic(folder: string, { certificate, rootCa }: Bundle): PlacedFile[] {
  return [place(join(folder, files.certificate), certificate, 0o644), place(join(folder, files.rootCa), rootCa, 0o644)];
}

function checkCertificate({ certificate, rootCa }: Bundle, keyId: string, keyFile: string, nowMs: number): void {
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(certificate);
    new X509Certificate(rootCa);
  } catch (error) {
    throw new AppError('bad-certificate', `The bundle holds no certificate that can be read: ${messageOf(error)}.`);
  }
  if (keyIdOf(parsed.publicKey) !== keyId) {
    throw new AppError(
      'key-mismatch',
      `The certificate is not that of the key ${keyFile}. Run create with the signing request of this device (${files.csr}), and bring that bundle; or name the right folder with --keys.`,
    );
  }
  if (Date.parse(parsed.validTo) < nowMs) {
    throw new AppError(
      'bad-certificate',
      `The certificate ended on ${parsed.validTo}. If this device's clock is right, run create again with a new key.`,
    );
  }
}

/**
 * Whether the folders are there, or could be made, and written into; changes nothing.
 * @throws AppError `unwritable`
 */
export function checkWritable(folders: readonly string[]): void {
  for (const folder of folders) {
    let nearest = resolve(folder);
    while (!existsSync(nearest)) nearest = dirname(nearest);
    try {
      // By the slash only a folder passes.
      accessSync(`${nearest}/`, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw unwritable(folder, error);
    }
  }
}

function unwritable(path: string, error: unknown): AppError {
  const how = codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM' ? 'Run this with sudo' : 'Check the folder';
  return new AppError('unwritable', `Cannot write ${path}: ${messageOf(error)}. ${how}, or give --target.`, {
    cause: error,
  });
}

/** Whole or not at all, with its mode from the beginning. */
function place(path: string, content: string, mode: number): PlacedFile {
  try {
    if (existsSync(path) && readFileSync(path, 'utf8') === content) {
      const right = (statSync(path).mode & 0o777) === mode;
      if (!right) chmodSync(path, mode);
      return { path, changed: !right };
    }
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    const temporary = `${path}.${process.pid}.tmp`;
    writeFileSync(temporary, content, { mode });
    chmodSync(temporary, mode);
    renameSync(temporary, path);
    return { path, changed: true };
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** What to type next, exactly. */
export function nextCommands(
  { keys, target, nucleus }: Pick<InstallOptions, 'keys' | 'target' | 'nucleus'>,
  { dataEndpoint, thing }: Pick<Bundle['facts'], 'dataEndpoint' | 'thing'>,
): string[] {
  const root = resolve(target);
  if (nucleus === 'none') {
    const [host = '', port] = dataEndpoint.split(':');
    const fields = {
      kind: 'iot-core',
      'iotCore.endpoint': host,
      ...(port === undefined ? {} : { 'iotCore.port': port }),
      'iotCore.thingName': thing,
      'iotCore.certFile': join(resolve(keys), files.certificate),
      'iotCore.keyFile': join(resolve(keys), files.key),
      'iotCore.caFile': join(resolve(keys), files.rootCa),
    };
    const set = Object.entries(fields).map(([field, value]) => `--set transport.${field}=${value}`);
    return [`npm run doctor -- ${set.join(' ')}`];
  }
  if (nucleus === 'lite') {
    return [
      `sudo chown -R ggcore:ggcore ${root}/certs`,
      `sudo install -D -m 0644 ${root}/config.yaml /etc/greengrass/config.yaml`,
      'sudo systemctl restart greengrass-lite.target',
    ];
  }
  const zip = `greengrass-${awsComponents['aws.greengrass.Nucleus']}.zip`;
  return [
    // Whichever release this is: Debian 12 has Java 17, Debian 13 has 21, and the nucleus wants 8 or newer.
    'sudo apt-get install -y default-jre-headless unzip',
    `curl -fsSO https://d2s8p88vqu9w66.cloudfront.net/releases/${zip}`,
    `unzip -q ${zip} -d GreengrassInstaller`,
    `sudo -E java -Droot=${root} -Dlog.store=FILE -jar GreengrassInstaller/lib/Greengrass.jar --init-config ${root}/config.yaml --component-default-user ggc_user:ggc_group --setup-system-service true`,
    'sudo usermod -aG i2c,video,input ggc_user',
    'sudo systemctl restart greengrass',
  ];
}
