import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { InnerAddress, publicLookup } from './public-address.ts';
import { Refused, Unavailable } from './refused.ts';

/** A feed or a page as text. */
export interface FetchedDocument {
  /** Where it was in the end. */
  url: string;
  /** Of its `Content-Type`, in small letters: `text/html`. */
  type: string;
  text: string;
}

export interface FetchDeps {
  /** `aws.amazon.com`, or with a port `127.0.0.1:8187`. Nothing else is asked, whoever names it. */
  allowedHosts: readonly string[];
  /** Bound of all together: redirects, header, body. */
  limitMs?: number;
  lookup?: LookupFunction;
}

const defaultLimitMs = 10_000;
export const largestDocument = 2 * 1024 * 1024;
const mostRedirects = 3;

/**
 * Fetches a feed or a page.
 * @throws Refused where that address will never do
 * @throws Unavailable where a retry may help
 */
export async function fetchDocument(
  address: string,
  { allowedHosts, limitMs = defaultLimitMs, lookup = publicLookup() }: FetchDeps,
): Promise<FetchedDocument> {
  const signal = AbortSignal.timeout(limitMs);
  let url = allowed(address, allowedHosts);
  for (let redirects = 0; ; redirects += 1) {
    try {
      const answer = await get(url, { lookup, signal });
      const location = redirectOf(answer);
      if (location === undefined) return await documentOf(url, answer);
      answer.destroy();
      if (redirects === mostRedirects) throw new Refused('TooManyRedirects', `${address} leads from page to page.`);
      url = allowed(URL.canParse(location, url.href) ? new URL(location, url).href : location, allowedHosts);
    } catch (error) {
      throw toldOf(url, error, { limitMs, isLate: signal.aborted });
    }
  }
}

function allowed(address: string, allowedHosts: readonly string[]): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
  const isPlain = url?.username === '' && url.password === '';
  if (url !== undefined && isWeb && isPlain && allowedHosts.includes(url.host)) return url;
  throw new Refused(
    'AddressNotAllowed',
    `${address.slice(0, 200)} is not on an allowed host (${allowedHosts.join(', ')}): add its host to ALLOWED_HOSTS if it should be.`,
  );
}

function get(url: URL, { lookup, signal }: { lookup: LookupFunction; signal: AbortSignal }): Promise<IncomingMessage> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const headers = {
    accept: 'application/rss+xml, application/atom+xml, text/html;q=0.9, */*;q=0.5',
    // As it is: what is not compressed cannot grow.
    'accept-encoding': 'identity',
    'user-agent': 'greengrass-itsm content-aggregator',
  };
  return new Promise((resolve, reject) => {
    send(url, { headers, lookup, signal, agent: false }, resolve).once('error', reject).end();
  });
}

function redirectOf({ statusCode = 0, headers }: IncomingMessage): string | undefined {
  return [301, 302, 303, 307, 308].includes(statusCode) ? headers.location : undefined;
}

async function documentOf({ href }: URL, answer: IncomingMessage): Promise<FetchedDocument> {
  try {
    const { statusCode = 0, headers } = answer;
    if (statusCode === 408 || statusCode === 429 || statusCode >= 500) {
      throw new Unavailable(`${href} was answered with ${statusCode}.`);
    }
    if (statusCode !== 200) throw new Refused('DocumentRefused', `${href} was answered with ${statusCode}.`);
    const encoding = headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') throw new Refused('DocumentEncoded', `${href} came as ${encoding.slice(0, 40)}.`);
    const bytes = await bounded(href, answer);
    const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
    return { url: href, type: type.trim(), text: decoded(bytes, parameters.join(';')) };
  } finally {
    answer.destroy();
  }
}

async function bounded(href: string, answer: IncomingMessage): Promise<Buffer> {
  const tooLarge = () => new Refused('DocumentTooLarge', `${href} has more than ${largestDocument} bytes.`);
  if (Number(answer.headers['content-length'] ?? 0) > largestDocument) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > largestDocument) throw tooLarge();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

const charset = /charset\s*=\s*["']?([\w-]{1,40})/i;
const xmlEncoding = /^\s*<\?xml[^>]{0,200}encoding\s*=\s*["']([\w-]{1,40})["']/i;

/** By the header, else by what the first kilobyte says of itself, else as UTF-8. */
function decoded(bytes: Buffer, parameters: string): string {
  const start = bytes.subarray(0, 1_024).toString('latin1');
  const label = (charset.exec(parameters) ?? xmlEncoding.exec(start) ?? charset.exec(start))?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(label).decode(bytes);
  } catch {
    // An encoding that nobody knows.
    return bytes.toString('utf8');
  }
}

function toldOf(url: URL, error: unknown, { limitMs, isLate }: { limitMs: number; isLate: boolean }): Error {
  if (error instanceof Refused || error instanceof Unavailable) return error;
  if (error instanceof InnerAddress) return new Refused('AddressNotAllowed', `${error.message}.`, { cause: error });
  if (isLate) return new Unavailable(`${url.href} was not there within ${limitMs / 1_000} s.`, { cause: error });
  const why = error instanceof Error ? error.message : String(error);
  return new Unavailable(`${url.href} could not be fetched: ${why}.`, { cause: error });
}
