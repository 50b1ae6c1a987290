import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { AppError, messageOf } from '../../device/platform/errors.ts';

/** Amazon Root CA 1, which signs the endpoints of AWS IoT Core (`iot:Data-ATS`). */
const subject = 'CN=Amazon Root CA 1';
/** Published by Amazon Trust Services; what a Node that someone rebuilt brings is not simply believed. */
const fingerprint = '8E:CD:E6:88:4F:3D:87:B1:12:5B:A3:1A:C3:FC:B1:3D:70:16:DE:7F:57:CC:90:4F:E1:CB:97:C6:AE:98:19:6E';

/**
 * Amazon's root certificate, from the authorities that Node brings, so that nothing is downloaded.
 * @throws AppError `no-root-ca`
 */
export function amazonRootCa(): string {
  const found = rootCertificates.find((pem) => {
    const certificate = new X509Certificate(pem);
    return certificate.subject.split('\n').includes(subject) && certificate.fingerprint256 === fingerprint;
  });
  if (found !== undefined) return found;
  throw new AppError(
    'no-root-ca',
    'This Node brings no Amazon Root CA 1. Fetch https://www.amazontrust.com/repository/AmazonRootCA1.pem and give it with --root-ca.',
  );
}

/** @throws AppError `no-root-ca` */
export function rootCaIn(file: string): string {
  try {
    const pem = readFileSync(file, 'utf8');
    new X509Certificate(pem);
    return pem;
  } catch (error) {
    throw new AppError('no-root-ca', `${file} holds no certificate in PEM: ${messageOf(error)}.`, { cause: error });
  }
}
