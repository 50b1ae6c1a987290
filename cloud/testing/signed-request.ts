import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Keys } from './clients.ts';
import { account } from './clients.ts';
import { type HttpAnswer, type HttpRequest, http } from './http-request.ts';

/**
 * A request to an API whose routes want a signature (`AWS_IAM`), signed by the owner of these keys; with another service,
 * to that service itself.
 */
export async function signedHttp(
  keys: Keys,
  url: string,
  { service = 'execute-api', ...request }: HttpRequest & { service?: string } = {},
): Promise<HttpAnswer> {
  const { protocol, hostname, host, pathname, searchParams } = new URL(url);
  const { method = 'GET', headers = {}, body } = request;
  const signer = new SignatureV4({
    ...{ service, region: account.region, credentials: keys, sha256: Sha256 },
  });
  const signed = await signer.sign({
    ...{ protocol, hostname, method, path: pathname, body },
    query: Object.fromEntries(searchParams),
    headers: { ...headers, host },
  });
  return http(url, { ...request, method, headers: signed.headers });
}

type Bytes = string | ArrayBuffer | ArrayBufferView;

/** Node's SHA-256 as the signer wants it; with a secret an HMAC. */
class Sha256 {
  private readonly hash: Hash | Hmac;

  constructor(secret?: Bytes) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(chunk: Bytes): void {
    this.hash.update(bytesOf(chunk));
  }

  async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }

  reset(): void {
    throw new Error('A hash is used once.');
  }
}

function bytesOf(data: Bytes): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
