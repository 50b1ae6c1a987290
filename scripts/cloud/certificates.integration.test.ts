import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type AccountCertificates, writeCertificates } from './certificates.ts';

async function statusOf(certificates: AccountCertificates, servername: string): Promise<number | undefined> {
  const read = (file: string) => readFileSync(file, 'utf8');
  const server = createServer(
    { cert: read(certificates.server), key: read(certificates.serverKey) },
    (_request, response) => response.end(),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    return await new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port, servername, ca: read(certificates.bundle), agent: false }, (answer) =>
        resolve(answer.resume().statusCode),
      ).once('error', reject);
    });
  } finally {
    server.close();
  }
}

it('the certificates of an account are good for its hosts alone, and carry what strict verifiers ask for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'itsm-certificates-'));
  try {
    const certificates = await writeCertificates(folder);
    for (const host of ['localhost', 'abc.execute-api.localhost', '127.0.0.1']) {
      expect(await statusOf(certificates, host === '127.0.0.1' ? '' : host)).toBe(200);
    }
    await expect(statusOf(certificates, 'sts.eu-west-1.amazonaws.com')).rejects.toThrow('altnames');
    const [server, authority] = [certificates.server, certificates.authority].map(
      (file) => new X509Certificate(readFileSync(file)),
    );
    expect(authority?.ca).toBe(true);
    expect(server?.ca).toBe(false);
    expect(authority !== undefined && server?.checkIssued(authority)).toBe(true);
    expect(statSync(certificates.serverKey).mode & 0o077).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
