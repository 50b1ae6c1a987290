import { X509Certificate } from 'node:crypto';
import type { Config } from '../../config/schema.ts';
import { AppError } from '../../platform/errors.ts';
import type { Clock } from '../../platform/time.ts';
import type { ConnectionFailure } from '../connection.ts';
import { checkAuthority, checkPair, readTextFile } from '../tls-files.ts';

type IotCoreConfig = Config['transport']['iotCore'];

const section = 'transport.iotCore';

/** Source: CreateThing in the AWS IoT API reference. */
const thingName = /^[a-zA-Z0-9:_-]{1,128}$/;

const hostName = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i;

/** PEM, all three. */
export interface Credentials {
  cert: string;
  key: string;
  ca: string;
}

/**
 * The endpoint that configuration names.
 * @throws AppError `options-invalid`
 */
export function endpointOf({ endpoint }: IotCoreConfig): string {
  if (endpoint === undefined) {
    throw invalid(
      'endpoint is missing: take the address that `aws iot describe-endpoint --endpoint-type iot:Data-ATS` prints',
    );
  }
  if (!hostName.test(endpoint)) {
    throw invalid('endpoint must be a host name alone, without https:// and without a port: the port is a field apart');
  }
  return endpoint;
}

/** @throws AppError `options-invalid` for a name that no thing can have. */
export function checkThingName(name: string): void {
  if (thingName.test(name)) return;
  throw invalid(
    `"${name.slice(0, 200)}" cannot be a thing (letters, digits, : _ -, at most 128): set ${section}.thingName`,
  );
}

/**
 * Certificate, key and CA as the files have them now.
 * @throws AppError `file-unreadable`, `file-exposed`, `certificate-invalid`, `options-invalid`
 */
export async function readCredentials({ certFile, keyFile, caFile }: IotCoreConfig): Promise<Credentials> {
  const ca = await readTextFile(section, caFile);
  const cert = await readTextFile(section, certFile);
  const key = await readTextFile(section, keyFile, 'private');
  checkAuthority(section, { ca, caFile });
  checkPair(section, { cert, key, certFile, keyFile });
  return { cert, key, ca };
}

/**
 * Why a connection with this certificate is not worth trying by this machine's clock. Not an error of the options: time
 * cures it, or a new file, and the component goes on until then.
 */
export function validityProblem(
  cert: string,
  { certFile }: IotCoreConfig,
  clock: Clock,
): ConnectionFailure | undefined {
  const { validFrom, validTo } = new X509Certificate(cert);
  const now = clock.wallMs();
  const clockSays = `this machine's clock says ${instant(now)}`;
  if (now < Date.parse(validFrom)) {
    const reason =
      `the certificate in ${certFile} is valid from ${instant(Date.parse(validFrom))} on, and ${clockSays}; ` +
      'if that is wrong, let it be set (sudo timedatectl set-ntp true): the connection is tried again by itself';
    return { reason, refused: true };
  }
  if (now > Date.parse(validTo)) {
    const reason =
      `the certificate in ${certFile} expired at ${instant(Date.parse(validTo))}, and ${clockSays}; ` +
      'put a new certificate and key there: they are read again by themselves';
    return { reason, refused: true };
  }
  return undefined;
}

function instant(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

function invalid(problem: string): AppError {
  return new AppError('options-invalid', `${section}: ${problem}.`);
}
