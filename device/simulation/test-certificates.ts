import { isIP } from 'node:net';
import { generate } from 'selfsigned';

/** PEM, both. */
export interface CertificateAndKey {
  cert: string;
  key: string;
}

/** A certificate authority whose key is in memory alone, so that nothing is signed once it has gone. */
export interface TestAuthority {
  /** Its own certificate, PEM: what the other side is told to trust. */
  cert: string;
  /** For a server on 127.0.0.1, or on the host names and addresses given. */
  server(hosts?: string[]): Promise<CertificateAndKey>;
  /** For a client of that name. */
  client(commonName: string): Promise<CertificateAndKey>;
}

const dayMs = 86_400_000;

/** @param validDays how long itself and what it signs are valid, from a day ago on */
export async function testAuthority(commonName = 'Test authority', validDays = 1): Promise<TestAuthority> {
  const validity = {
    notBeforeDate: new Date(Date.now() - dayMs),
    notAfterDate: new Date(Date.now() + validDays * dayMs),
  };
  const algorithms = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;
  const named = (value: string) => [{ name: 'commonName', value }];

  const authority = await generate(named(commonName), {
    ...validity,
    ...algorithms,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });

  async function sign(name: string, extensions: Extensions): Promise<CertificateAndKey> {
    const signed = await generate(named(name), {
      ...validity,
      ...algorithms,
      ca: { key: authority.private, cert: authority.cert },
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        ...extensions,
      ],
    });
    return { cert: signed.cert, key: signed.private };
  }

  return {
    cert: authority.cert,
    server: (hosts = ['127.0.0.1']) =>
      sign('server', [
        { name: 'extKeyUsage', serverAuth: true },
        {
          name: 'subjectAltName',
          altNames: hosts.map((host) => (isIP(host) === 0 ? { type: 2, value: host } : { type: 7, ip: host })),
        },
      ]),
    client: (name) => sign(name, [{ name: 'extKeyUsage', clientAuth: true }]),
  };
}

type Extensions = NonNullable<NonNullable<Parameters<typeof generate>[1]>['extensions']>;
