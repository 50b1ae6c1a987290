import { z } from 'zod';
import { type ApiAnswer, type ApiRequest, refusals } from './api.ts';
import { parseXml } from './xml.ts';

export type PayloadResult = { ok: true; fields: Record<string, string> } | { ok: false; answer: ApiAnswer };

/** What a body may hold for a field. Objects and lists are not values of fields and are ignored. */
const payload = z.record(z.string(), z.unknown());
const xmlPayload = z.union([payload, z.string().transform((): z.infer<typeof payload> => ({}))]);

/** The fields that a write names, in JSON, or in XML as `<request><entry>` or straight under the root element. */
export function readPayload({ body, headers }: ApiRequest): PayloadResult {
  if (body.length === 0) return { ok: true, fields: {} };
  const contentType = headers.get('content-type');
  if (contentType === null || /\bjson\b/i.test(contentType)) {
    const parsed = payload.safeParse(parseJson(body));
    return parsed.success ? { ok: true, fields: texts(parsed.data) } : refused('JSON');
  }
  if (!/\bxml\b/i.test(contentType)) return { ok: false, answer: refusals.unsupportedMediaType(contentType) };
  const root = xmlPayload.safeParse(parseXml(textOf(body) ?? ''));
  if (!root.success) return refused('XML');
  const entry = xmlPayload.safeParse(root.data['entry'] ?? root.data);
  return entry.success ? { ok: true, fields: texts(entry.data) } : refused('XML');
}

const refused = (format: 'JSON' | 'XML'): PayloadResult => ({ ok: false, answer: refusals.invalidPayload(format) });

function texts(values: Readonly<Record<string, unknown>>): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value === null) fields[name] = '';
    else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      fields[name] = String(value);
  }
  return fields;
}

/** Undefined where the bytes are no JSON in UTF-8. */
export function parseJson(body: Uint8Array): unknown {
  const text = textOf(body);
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textOf(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}
