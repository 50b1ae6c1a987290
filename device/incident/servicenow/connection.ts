import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import type { Config } from '../../config/schema.ts';
import { AppError, messageOf } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Time } from '../../platform/time.ts';
import type { Secrets } from '../../secrets/secrets.ts';
import type { DestinationResult } from '../destination.ts';
import { type Context, networkFailure, parseJson, refusal, unreadable } from './errors.ts';
import { createHttp, type HttpOutcome, type HttpRequest } from './http.ts';
import { createSession, type Session } from './session.ts';

export interface ConnectionDeps {
  secrets: Secrets;
  logger: Logger;
  /** Real time: time-outs and lifetimes of tokens. */
  time: Time;
  /** Another way to the network, for a simulated one; default real connections (`http.ts`). */
  createHttp?: typeof createHttp;
}

/** What a request is about: `what` for messages; whether it names one record, so that a 404 speaks of that record. */
export type About = Pick<Context, 'what' | 'addressesRecord'>;

/** The way to an instance: one login and one pool of connections for all that is asked over it. */
export interface ServiceNowConnection {
  /** `https://dev1.service-now.com`, without a slash at the end. */
  readonly baseUrl: string;
  readonly session: Pick<Session, 'version' | 'reload'>;
  /** Sends a request as the user of the secret, and reads the answer. */
  exchange<T>(request: HttpRequest, about: About, schema: z.ZodType<T>): Promise<DestinationResult<T>>;
  /** Sends a request without credentials. */
  sendPlain(request: HttpRequest): Promise<HttpOutcome>;
  close(): void;
}

/** @throws AppError `bad-configuration` for a URL that cannot be, or an unreadable CA file. */
export function connectServiceNow(
  config: Pick<Config['serviceNow'], 'url' | 'auth' | 'timeoutMs' | 'maxResponseBytes' | 'caFile'>,
  { secrets, logger, time, createHttp: openHttp = createHttp }: ConnectionDeps,
): ServiceNowConnection {
  const base = baseUrl(config.url);
  const http = openHttp({
    timeoutMs: config.timeoutMs,
    maxResponseBytes: config.maxResponseBytes,
    ca: config.caFile === undefined ? undefined : readCa(config.caFile),
    time,
  });
  const session = createSession({
    secrets,
    auth: config.auth,
    monotonicMs: () => time.monotonicMs(),
    context: () => ({
      what: 'login (oauth_token.do)',
      addressesRecord: false,
      wallMs: time.wallMs(),
      redacted: session.redacted,
    }),
    post: (form) =>
      http.send({
        method: 'POST',
        url: `${base}/oauth_token.do`,
        headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
      }),
  });

  async function exchange<T>(request: HttpRequest, about: About, schema: z.ZodType<T>): Promise<DestinationResult<T>> {
    const context: Context = { ...about, wallMs: time.wallMs(), redacted: session.redacted };
    const startedAtMs = time.monotonicMs();
    const outcome = await session.run((authorization) =>
      http.send({ ...request, headers: { accept: 'application/json', ...request.headers, authorization } }),
    );
    const result = 'ok' in outcome ? outcome : resultOf(outcome, context, schema);
    const ms = Math.round(time.monotonicMs() - startedAtMs);
    if (result.ok) {
      logger.debug({ request: about.what, ms }, 'servicenow answered');
      return result;
    }
    logger.debug({ request: about.what, ms, kind: result.kind, reason: result.message }, 'servicenow request failed');
    return result;
  }

  return {
    baseUrl: base,
    session,
    exchange,
    sendPlain: (request) => http.send(request),
    close: () => http.close(),
  };
}

function resultOf<T>(
  outcome: Parameters<typeof refusal>[0] | Parameters<typeof networkFailure>[0],
  context: Context,
  schema: z.ZodType<T>,
): DestinationResult<T> {
  if (outcome.kind === 'failed') return networkFailure(outcome, context);
  const refused = refusal(outcome, context);
  if (refused !== undefined) return refused;
  const body = parseJson(outcome.body);
  if (body === undefined) return unreadable(context, 'it is no JSON');
  const parsed = schema.safeParse(body);
  if (parsed.success) return { ok: true, value: parsed.data };
  const issue = parsed.error.issues[0];
  return unreadable(context, issue === undefined ? 'unexpected content' : `${issue.path.join('.')} ${issue.message}`);
}

function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.username !== '' || url.password !== '')) {
    throw badConfiguration('serviceNow.url holds a user or password; put them into the secret instead.');
  }
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw badConfiguration(
      'serviceNow.url is not the base URL of an instance; give one such as https://dev1.service-now.com.',
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError(
      'bad-configuration',
      `serviceNow.caFile: cannot read ${path}: ${messageOf(error)}. Give a readable PEM file.`,
      { cause: error },
    );
  }
}

export const badConfiguration = (message: string) => new AppError('bad-configuration', message);
