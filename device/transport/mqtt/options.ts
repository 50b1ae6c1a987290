import type { IClientOptions } from 'mqtt';
import type { Config } from '../../config/schema.ts';
import { AppError } from '../../platform/errors.ts';
import { checkAuthority, checkPair, readTextFile } from '../tls-files.ts';
import type { LastWill } from '../transport.ts';

const section = 'transport.mqtt';

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

  const password = passwordFile === undefined ? undefined : await readTextFile(section, passwordFile, 'private');
  const ca = caFile === undefined ? undefined : await readTextFile(section, caFile);
  const cert = certFile === undefined ? undefined : await readTextFile(section, certFile);
  const key = keyFile === undefined ? undefined : await readTextFile(section, keyFile, 'private');
  if (ca !== undefined) checkAuthority(section, { ca, caFile });
  if (cert !== undefined && key !== undefined) checkPair(section, { cert, key, certFile, keyFile });
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
  return new AppError('options-invalid', `${section}: ${problem}.`);
}
