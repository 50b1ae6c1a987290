import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** Files, PEM. */
export interface AccountCertificates {
  /** The account's own authority, for what adds it to the authorities that it trusts anyway (Node). */
  authority: string;
  /** That authority and the public ones, for what takes one file for all (Python, the CDK's command line). */
  bundle: string;
  server: string;
  serverKey: string;
}

/** By these the account is reached; HTTP APIs have a host each. Wildcards stand for one label. */
const hosts = ['localhost', '*.localhost', '*.execute-api.localhost', '*.s3.localhost', '*.cloudfront.net'];
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 86_400_000;

/**
 * Writes a new authority and a server certificate into a folder. The authority's key stays in memory, so nothing else can
 * be signed with it. Key identifiers are there because OpenSSL's strict mode, Python's default from 3.13, asks for them.
 */
export async function writeCertificates(folder: string): Promise<AccountCertificates> {
  const authorityKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const serverKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const validity = { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + 7 * dayMs) };
  const issuer = 'CN=Local AWS account authority';
  const serial = () => `01${randomBytes(8).toString('hex')}`;

  const authority = await X509CertificateGenerator.createSelfSigned(
    {
      ...{ serialNumber: serial(), name: issuer, keys: authorityKeys, signingAlgorithm: algorithm, ...validity },
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(authorityKeys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  const server = await X509CertificateGenerator.create(
    {
      ...{ serialNumber: serial(), subject: 'CN=localhost', issuer, publicKey: serverKeys.publicKey, ...validity },
      ...{ signingKey: authorityKeys.privateKey, signingAlgorithm: algorithm },
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([
          ...hosts.map((value) => ({ type: 'dns' as const, value })),
          { type: 'ip', value: '127.0.0.1' },
        ]),
        await SubjectKeyIdentifierExtension.create(serverKeys.publicKey, false, webcrypto),
        await AuthorityKeyIdentifierExtension.create(authorityKeys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );

  const files = {
    authority: join(folder, 'authority.pem'),
    bundle: join(folder, 'authorities.pem'),
    server: join(folder, 'server.pem'),
    serverKey: join(folder, 'server.key'),
  };
  const authorityPem = `${authority.toString('pem')}\n`;
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', serverKeys.privateKey)).toString('base64');
  const keyLines = key.match(/.{1,64}/g) ?? [];
  writeFileSync(files.authority, authorityPem);
  writeFileSync(files.bundle, `${publicAuthorities()}\n${authorityPem}`);
  writeFileSync(files.server, `${server.toString('pem')}\n${authorityPem}`);
  writeFileSync(
    files.serverKey,
    ['-----BEGIN PRIVATE KEY-----', ...keyLines, '-----END PRIVATE KEY-----', ''].join('\n'),
    {
      mode: 0o600,
    },
  );
  return files;
}

/** Of the machine where it has a file of them, else of Node. */
function publicAuthorities(): string {
  try {
    return readFileSync('/etc/ssl/certs/ca-certificates.crt', 'utf8');
  } catch {
    return rootCertificates.join('\n');
  }
}
