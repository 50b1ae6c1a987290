import 'reflect-metadata';
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pkcs10CertificateRequest, Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import { keyIdOf } from './key-id.ts';

/** Names in `certs/`, as the post has them; `certs.example/README.md` explains them. */
export const files = {
  key: 'iot-ge.private.key',
  csr: 'iot-ge.csr.pem',
  certificate: 'iot-ge.cert.pem',
  rootCa: 'root.ca.pem',
  previousKey: 'previous-iot-ge.private.key',
} as const;

const keyBits = 2_048;
const signature = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;

export interface Identity {
  keyFile: string;
  csrFile: string;
  keyId: string;
  /** The key was there already. */
  kept: boolean;
}

/**
 * Makes the device's key (RSA 2048, PKCS #8, mode 0600) and its signing request in `folder`. A key that is there is kept
 * unless `force` is given; then it is moved aside, for its certificate works until the new one is installed.
 *
 * RSA, although AWS IoT takes P-256 too: secret manager encrypts its cache with this key, and asks for RSA.
 * Source: Greengrass V2 Developer Guide, "Secret manager", requirements.
 * @throws AppError `bad-key`, `unwritable`
 */
export async function makeIdentity(folder: string, thing: string, { force }: { force: boolean }): Promise<Identity> {
  const keyFile = join(folder, files.key);
  const csrFile = join(folder, files.csr);
  const kept = existsSync(keyFile) && !force;
  try {
    if (!kept) writeKey(folder, newKey());
    const key = privateKeyIn(keyFile);
    checkKind(key, keyFile);
    writeFileSync(csrFile, await signingRequest(key, thing), { mode: 0o644 });
    return { keyFile, csrFile, keyId: keyIdOf(createPublicKey(key)), kept };
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError(
      'unwritable',
      `Cannot write into ${folder}: ${messageOf(error)}. Name another folder with --out.`,
      {
        cause: error,
      },
    );
  }
}

/** @throws AppError `bad-key` for a key of another kind, such as that of `npm run certs` */
function checkKind({ asymmetricKeyType: kind, asymmetricKeyDetails }: KeyObject, file: string): void {
  if (kind === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= keyBits) return;
  throw new AppError(
    'bad-key',
    `${file} is there, and is no RSA key of ${keyBits} bits or more (${kind}), which Greengrass's secret manager needs. Make one with keygen --force, which moves the present one aside, or name another folder with --out.`,
  );
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: keyBits });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Made with its mode, so that it is never open to others; a key that is there is moved aside. */
export function writeKey(folder: string, pem: string): void {
  const keyFile = join(folder, files.key);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (existsSync(keyFile)) renameSync(keyFile, join(folder, files.previousKey));
  writeFileSync(keyFile, pem, { mode: 0o600, flag: 'wx' });
}

/** @throws AppError `bad-key`; nothing of the content is quoted */
export function privateKeyIn(file: string): KeyObject {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    throw new AppError(
      'bad-key',
      `Cannot read the private key ${file}: ${messageOf(error)}. Make one: npm run provision -- keygen.`,
      { cause: error },
    );
  }
  try {
    return createPrivateKey(pem);
  } catch {
    throw new AppError(
      'bad-key',
      `${file} holds no private key in PEM. Make one: npm run provision -- keygen --force.`,
    );
  }
}

async function signingRequest(key: KeyObject, thing: string): Promise<string> {
  const { subtle } = webcrypto;
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [thing] }],
    keys: {
      privateKey: await subtle.importKey('pkcs8', pkcs8, signature, true, ['sign']),
      publicKey: await subtle.importKey('spki', spki, signature, true, ['verify']),
    },
    signingAlgorithm: signature,
  });
  return `${request.toString('pem')}\n`;
}

/**
 * The key that a signing request is for; the request is signed by it.
 * @throws AppError `bad-csr`
 */
export async function keyIdOfRequest(pem: string, where: string): Promise<string> {
  const bad = (why: string) =>
    new AppError('bad-csr', `${where} ${why}. Make it on the Pi: npm run provision -- keygen.`);
  let request: Pkcs10CertificateRequest;
  let publicKey: KeyObject;
  try {
    request = new Pkcs10CertificateRequest(pem);
    publicKey = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' });
  } catch {
    throw bad('holds no certificate signing request in PEM');
  }
  if (!(await request.verify().catch(() => false))) throw bad('is not signed by its own key');
  return keyIdOf(publicKey);
}
