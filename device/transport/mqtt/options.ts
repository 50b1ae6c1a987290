import { X509Certificate } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { IClientOptions } from 'mqtt';
import type { Config } from '../../config/schema.ts';
import { AppError, messageOf } from '../../platform/errors.ts';
import type { LastWill } from '../transport.ts';
import { tlsReason } from './failure.ts';

/** A bundle of all public CAs has a quarter of it. */
const longestFileBytes = 1_048_576;

type MqttConfig = Config['transport']['mqtt'];

/**
 * What MQTT.js needs for one connection. Files are read each time, so that a new password or certificate counts from
 * the next connection on.
 * @throws AppError `options-invalid`, `file-unreadable`, `file-exposed`, `certificate-invalid`
 */
export async function connectionOptions(
  config: MqttConfig,
  { clientId, will }: { clientId: string; will: LastWill | undefined },
): Promise<IClientOptions> {
  const { protocol, host, port } = brokerAddress(config.url);
  const { username, passwordFile, caFile, certFile, keyFile } = config;
  const tls = { caFile, certFile, keyFile };
  if (protocol === 'mqtt') {
    for (const [name, file] of Object.entries(tls)) {
      if (file !== undefined)
        throw invalid(`${name} is given, but url begins with mqtt://, which is not encrypted: use mqtts://`);
    }
  }
  if ((certFile === undefined) !== (keyFile === undefined)) throw invalid('certFile and keyFile go together');
  if (passwordFile !== undefined && username === undefined) throw invalid('passwordFile needs username');

  const password = passwordFile === undefined ? undefined : await readTextFile(passwordFile, { mustBePrivate: true });
  const ca = caFile === undefined ? undefined : await readTextFile(caFile);
  const cert = certFile === undefined ? undefined : await readTextFile(certFile);
  const key = keyFile === undefined ? undefined : await readTextFile(keyFile, { mustBePrivate: true });
  if (ca !== undefined) {
    usable(`caFile ${caFile} holds no certificate (PEM)`, () => new X509Certificate(ca));
  }
  if (cert !== undefined && key !== undefined) {
    usable(`certFile ${certFile} and keyFile ${keyFile} cannot be used`, () => createSecureContext({ cert, key }));
  }
  return {
    protocol,
    host,
    port,
    clientId,
    protocolVersion: 4,
    clean: true,
    keepalive: Math.max(1, Math.round(config.keepAliveMs / 1_000)),
    reschedulePings: false,
    // The transport has a timer of its own, which covers the subscriptions too.
    connectTimeout: 2 ** 31 - 1,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    log: () => {},
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: password.replace(/\r?\n$/, '') }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(will === undefined
      ? {}
      : { will: { ...will, payload: Buffer.from(will.payload), qos: 1 as const, retain: false } }),
  };
}

function brokerAddress(text: string): { protocol: 'mqtt' | 'mqtts'; host: string; port: number } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const protocol = url?.protocol === 'mqtt:' ? 'mqtt' : url?.protocol === 'mqtts:' ? 'mqtts' : undefined;
  if (url === undefined || protocol === undefined || url.hostname === '' || url.port === '0') {
    throw invalid('url must be mqtt://host:port or mqtts://host:port');
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid('url must not hold a user or password: use username and passwordFile');
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { protocol, host, port: url.port === '' ? (protocol === 'mqtt' ? 1883 : 8883) : Number(url.port) };
}

function invalid(problem: string): AppError {
  return new AppError('options-invalid', `transport.mqtt: ${problem}.`);
}

/** Finds out before MQTT.js does, which would throw in the middle of a connection. */
function usable(problem: string, attempt: () => unknown): void {
  try {
    attempt();
  } catch (error) {
    throw new AppError('certificate-invalid', `transport.mqtt: ${problem}: ${tlsReason(error)}.`, { cause: error });
  }
}

async function readTextFile(path: string, { mustBePrivate = false } = {}): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { mode, size } = await file.stat();
    if (mustBePrivate) refuseExposed(path, mode);
    if (size > longestFileBytes) throw invalid(`${path} has ${size} bytes; at most ${longestFileBytes} are read`);
    return await file.readFile('utf8');
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('file-unreadable', `transport.mqtt: cannot read ${path}: ${messageOf(error)}.`, {
      cause: error,
    });
  } finally {
    await file?.close();
  }
}

/** Windows keeps no such mode. */
function refuseExposed(path: string, mode: number): void {
  if (process.platform === 'win32' || (mode & 0o077) === 0) return;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  throw new AppError(
    'file-exposed',
    `transport.mqtt: ${path} is open to other users (mode ${octal}), so it is not used; run: chmod 600 ${path}`,
  );
}
