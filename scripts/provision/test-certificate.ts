import 'reflect-metadata';
import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto';
import { X509CertificateGenerator } from '@peculiar/x509';

const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;

/** A certificate for a private key (PEM), signed by itself. */
export async function certificateFor(
  privateKeyPem: string,
  { endsMs, beginsMs = endsMs - 2 * 86_400_000 }: { endsMs: number; beginsMs?: number },
): Promise<string> {
  const key = createPrivateKey(privateKeyPem);
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['AWS IoT Certificate'] }],
    serialNumber: '01',
    notBefore: new Date(beginsMs),
    notAfter: new Date(endsMs),
    signingAlgorithm: algorithm,
    keys: {
      privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']),
      publicKey: await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
    },
  });
  return `${certificate.toString('pem')}\n`;
}
