import { createHash, type KeyObject, X509Certificate } from 'node:crypto';

/**
 * Names a public key: the first 32 hex digits of the SHA-256 over its DER form (SubjectPublicKeyInfo). Signing request,
 * certificate and private key of one device have the same.
 */
export function keyIdOf(publicKey: KeyObject): string {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex').slice(0, 32);
}

export function keyIdOfCertificate(pem: string): string {
  return keyIdOf(new X509Certificate(pem).publicKey);
}
