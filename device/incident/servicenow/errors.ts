import { z } from 'zod';
import type { DestinationFailure } from '../destination.ts';
import type { HttpOutcome } from './http.ts';

type Answered = Extract<HttpOutcome, { kind: 'answered' }>;
type Failed = Extract<HttpOutcome, { kind: 'failed' }>;

/** What a request was about. */
export interface Context {
  /** For the message: `PATCH incident/0123…`. */
  what: string;
  /** Whether it named one record, so that a 404 speaks of that record. */
  addressesRecord: boolean;
  /** Wall time now, epoch ms: Retry-After may be a date. */
  wallMs: number;
  /** A text without credentials, should the other side echo them. */
  redacted: (text: string) => string;
}

const longestPauseMs = 3_600_000;
const shortestPauseMs = 1_000;
/** Where a refusal for its rate says nothing of its end. */
const usualPauseMs = 60_000;
const longestQuote = 300;

/** Failures of certificate checks and of TLS itself: no retry cures them. */
const tlsCode =
  /^(CERT_|ERR_TLS_|ERR_SSL_|EPROTO$|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|UNABLE_TO_|INVALID_CA$|HOSTNAME_MISMATCH$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$)/;

/** A request that got no answer. Before a connection stood nothing was sent; after that nobody knows. */
export function networkFailure({ code, connected }: Failed, { what }: Context): DestinationFailure {
  if (connected) return ambiguous(`${what}: no whole answer (${code}); the instance may have done it.`);
  if (tlsCode.test(code)) {
    return unusable(
      `${what}: no trusted TLS connection (${code}). Check serviceNow.url, the clock, and serviceNow.caFile if the instance has a CA of its own.`,
    );
  }
  return { ok: false, kind: 'not-sent', message: `${what}: the instance cannot be reached (${code}).` };
}

/** What an answer refuses; undefined for a 2xx of JSON, whose body is still to be read. */
export function refusal(answer: Answered, context: Context): DestinationFailure | undefined {
  const { status } = answer;
  if (status >= 200 && status < 300) return unexpectedSuccess(answer, context);
  const said = context.redacted(saidBy(answer));
  const message = `${context.what}: ${status} ${quote(said)}`.trimEnd();
  if (status === 429) return throttled(answer, context, message);
  if (status === 503 && answer.retryAfter !== undefined) return throttled(answer, context, message);
  if (status >= 500 || status === 408 || status < 200) {
    return ambiguous(`${message}; the instance may have done it.`);
  }
  if (status < 400) {
    return unusable(`${message}: redirected. serviceNow.url must be the base URL of the instance itself.`);
  }
  switch (status) {
    case 401:
      return unauthenticated(`${message}. Check user, password and OAuth client in the secret.`);
    case 403:
      return forbidden(said, message);
    case 404:
      if (context.addressesRecord && /no record found/i.test(said)) return { ok: false, kind: 'gone', message };
      return unusable(`${message}. Check serviceNow.url and serviceNow.table.`);
    case 405:
    case 407:
      return unusable(`${message}. Something other than the Table API answers at serviceNow.url.`);
    case 400:
      if (/^(invalid table|requested uri does not represent)/i.test(said)) {
        return unusable(`${message}. Check serviceNow.url and serviceNow.table.`);
      }
      return refusedRecord(message);
    default:
      return refusedRecord(message);
  }
}

/** An answer of status 2xx that cannot be read as what was asked for: what it answers may be done. */
export function unreadable({ what }: Context, why: string): DestinationFailure {
  return ambiguous(`${what}: the answer cannot be read (${why}); the instance may have done it.`);
}

function unexpectedSuccess({ contentType, body }: Answered, context: Context): DestinationFailure | undefined {
  if (/^application\/([\w.-]+\+)?json\b/i.test(contentType)) return undefined;
  if (/^text\/html\b/i.test(contentType) && /hibernat/i.test(body)) {
    return unusable(`${context.what}: the instance is hibernating. Wake it at developer.servicenow.com.`);
  }
  return unreadable(
    context,
    contentType === '' ? 'no content type' : `content type ${quote(context.redacted(contentType))}`,
  );
}

function forbidden(said: string, message: string): DestinationFailure {
  if (/business rule|data policy/i.test(said)) return refusedRecord(message);
  return {
    ok: false,
    kind: 'refused-destination',
    cause: 'forbidden',
    message: `${message}. Grant the user read and write access to the table.`,
  };
}

function throttled({ retryAfter, rateLimitReset }: Answered, { wallMs }: Context, message: string): DestinationFailure {
  const asked = afterMs(retryAfter, wallMs) ?? untilMs(rateLimitReset, wallMs) ?? usualPauseMs;
  const retryAfterMs = Math.min(longestPauseMs, Math.max(shortestPauseMs, asked));
  return { ok: false, kind: 'throttled', retryAfterMs, message };
}

/** Retry-After: seconds, or an HTTP date. */
function afterMs(retryAfter: string | undefined, wallMs: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(retryAfter)) return Number(retryAfter) * 1_000;
  const at = Date.parse(retryAfter);
  return Number.isNaN(at) ? undefined : at - wallMs;
}

/** X-RateLimit-Reset: unix seconds. */
function untilMs(reset: string | undefined, wallMs: number): number | undefined {
  return reset !== undefined && /^\s*\d+\s*$/.test(reset) ? Number(reset) * 1_000 - wallMs : undefined;
}

const errorBody = z.object({
  error: z.union([z.string(), z.object({ message: z.string().nullish(), detail: z.string().nullish() })]),
  error_description: z.string().optional(),
});

/** The instance's own words; empty where it said nothing that can be read. */
function saidBy({ body }: Answered): string {
  const parsed = errorBody.safeParse(parseJson(body));
  if (!parsed.success) return '';
  const { error, error_description: description } = parsed.data;
  const words = typeof error === 'string' ? [error, description] : [error.message, error.detail];
  return words.filter((word) => word !== null && word !== undefined && word !== '').join(': ');
}

/** The value of a JSON text; undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function quote(text: string): string {
  const line = text.replace(/\p{Cc}+/gu, ' ').trim();
  return line.length <= longestQuote ? line : `${line.slice(0, longestQuote)}…`;
}

const ambiguous = (message: string): DestinationFailure => ({ ok: false, kind: 'ambiguous', message });
const refusedRecord = (message: string): DestinationFailure => ({ ok: false, kind: 'refused-record', message });
const unusable = (message: string): DestinationFailure => ({
  ok: false,
  kind: 'refused-destination',
  cause: 'unusable',
  message,
});

/** Credentials that were refused, or cannot be had. */
export const unauthenticated = (message: string): DestinationFailure => ({
  ok: false,
  kind: 'refused-destination',
  cause: 'unauthenticated',
  message,
});
