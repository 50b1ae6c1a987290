import { type SecretResult, type ServiceNowCredentials, serviceNowCredentials } from './secrets.ts';

type Parsed = { ok: true; credentials: ServiceNowCredentials } | Extract<SecretResult, { ok: false }>;

/** Reads a secret's text; the message says where it came from and never quotes it. */
export function parseSecret(text: string, where: string): Parsed {
  const parsed = serviceNowCredentials.safeParse(parseJson(text));
  if (parsed.success) return { ok: true, credentials: parsed.data };
  return {
    ok: false,
    reason: 'malformed',
    message: `${where} does not hold ServiceNow credentials. Expected JSON with the texts username and password, or clientId and clientSecret, none of them empty.`,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
