import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { HttpRequest } from './http-request.ts';

/** Keys of who signs. */
export interface SigningKeys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** The headers of a request, with the signature (version 4) that AWS asks for. */
export async function signRequest(
  { keys, region, service }: { keys: SigningKeys; region: string; service: string },
  url: string,
  { method = 'GET', headers = {}, body }: HttpRequest = {},
): Promise<Record<string, string>> {
  const { protocol, hostname, host, pathname, searchParams } = new URL(url);
  const signer = new SignatureV4({ service, region, credentials: keys, sha256: Sha256 });
  const signed = await signer.sign({
    ...{ protocol, hostname, method, path: pathname, body },
    query: Object.fromEntries(searchParams),
    headers: { ...headers, host },
  });
  return signed.headers;
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
