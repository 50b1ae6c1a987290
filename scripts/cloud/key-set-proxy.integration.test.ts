import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeCertificates } from './certificates.ts';
import { startKeySetProxy } from './key-set-proxy.ts';

/** Asks a proxy as a client of proxies does: with the whole address in the request line. */
function ask(proxy: string, address: string): Promise<{ status: number | undefined; body: string }> {
  const { hostname, port } = new URL(proxy);
  return new Promise((resolve, reject) => {
    get({ host: hostname, port, path: address, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('end', () => resolve({ status: answer.statusCode, body: Buffer.concat(chunks).toString() }));
    }).once('error', reject);
  });
}

test('keys of a user pool come over TLS from the account, and nothing else comes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'itsm-key-sets-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { server: cert, serverKey, authority } = await writeCertificates(folder);
  const account = createServer({ cert: readFileSync(cert), key: readFileSync(serverKey) }, ({ url }, answer) =>
    answer.end(`keys of ${url}`),
  );
  await new Promise<void>((resolve) => account.listen(0, '127.0.0.1', resolve));
  const address = account.address();
  const endpoint = `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const proxy = await startKeySetProxy(0, endpoint, readFileSync(authority));
  try {
    const path = '/eu-west-1_abc/.well-known/jwks.json';
    expect(await ask(proxy.url, `http://localhost:4566${path}`)).toEqual({ status: 200, body: `keys of ${path}` });
    expect((await ask(proxy.url, 'http://localhost:4566/other')).status).toBe(403);
    await new Promise((resolve) => account.close(resolve));
    expect((await ask(proxy.url, `http://localhost:4566${path}`)).status).toBe(502);
  } finally {
    await proxy.stop();
  }
});
