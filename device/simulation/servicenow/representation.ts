import type { ApiAnswer } from './api.ts';
import { toXml } from './xml.ts';

const jsonType = 'application/json;charset=UTF-8';
const xmlType = 'application/xml;charset=UTF-8';

/**
 * The format that an `Accept` header prefers: the highest quality, and of equals the first named. JSON where any will do
 * or none is named; undefined where neither JSON nor XML is accepted.
 */
export function answerFormat(accept: string | null): 'json' | 'xml' | undefined {
  if (accept === null || accept.trim() === '') return 'json';
  const [best] = accept
    .split(',')
    .map((range) => ({ format: formatOf(range.split(';')[0]?.trim().toLowerCase() ?? ''), quality: qualityOf(range) }))
    .filter(({ format, quality }) => format !== undefined && quality > 0)
    .sort((one, other) => other.quality - one.quality);
  return best?.format;
}

function formatOf(mediaRange: string): 'json' | 'xml' | undefined {
  if (mediaRange === '*/*' || mediaRange === 'application/*' || /[/+]json$/.test(mediaRange)) return 'json';
  return mediaRange === 'text/*' || /[/]xml$/.test(mediaRange) ? 'xml' : undefined;
}

function qualityOf(range: string): number {
  const quality = /;\s*q\s*=\s*([\d.]+)/i.exec(range)?.[1];
  return quality === undefined ? 1 : Number(quality);
}

/** The answer in the format that the client asked for; JSON for one that accepts neither, so that it can read why. */
export function represented(answer: ApiAnswer, accept: string | null): ApiAnswer {
  if (answer.body.kind !== 'json' || answerFormat(accept) !== 'xml') return answer;
  const bytes = new TextEncoder().encode(toXml(answer.body.value));
  return { ...answer, body: { kind: 'bytes', contentType: xmlType, bytes } };
}

/** The body as it is sent; null where there is none. */
export function bytesOf({ body }: ApiAnswer): Uint8Array<ArrayBuffer> | null {
  switch (body.kind) {
    case 'none':
      return null;
    case 'json':
      return new TextEncoder().encode(JSON.stringify(body.value));
    case 'bytes':
      return new Uint8Array(body.bytes);
  }
}

/** Headers of the answer with the type of its body. */
export function headersOf({ body, headers }: ApiAnswer): Record<string, string> {
  if (body.kind === 'none') return headers;
  return { ...headers, 'Content-Type': body.kind === 'json' ? jsonType : body.contentType };
}

/** The answer with a body of the right length and type whose second half can be parsed as neither JSON nor XML. */
export function malformed(answer: ApiAnswer): ApiAnswer {
  const bytes = bytesOf(answer);
  if (bytes === null) return answer;
  const contentType = answer.body.kind === 'bytes' ? answer.body.contentType : jsonType;
  return { ...answer, body: { kind: 'bytes', contentType, bytes: bytes.fill(0x3c, Math.floor(bytes.length / 2)) } };
}
