import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { z } from 'zod';
import { correlationId, type Problem, type ProblemKind, problems } from './contract.ts';
import type { Caller } from './rest-event.ts';

interface HttpEnv {
  Bindings: Caller;
  Variables: { correlationId: string };
}
export type HttpApp = Hono<HttpEnv>;
export type HttpContext = Context<HttpEnv>;

/** Told of what the caller is not told: the error of a request that failed here. */
export type OnFailure = (failure: { error: unknown; correlationId: string }) => void;

/** The longest request: four texts of 4,000 characters, escaped. */
const largestBody = 64 * 1024;

/** An app that has what every function behind the facade has: correlation ids, bounded bodies, and errors as problems. */
export function createHttpApp(onFailure: OnFailure): HttpApp {
  const app = new Hono<HttpEnv>();
  app.use(async (c, next) => {
    const given = correlationId.safeParse(c.req.header('x-correlation-id'));
    c.set('correlationId', given.data ?? c.env.requestId);
    await next();
    c.header('x-correlation-id', c.var.correlationId);
    c.header('x-content-type-options', 'nosniff');
  });
  app.use(bodyLimit({ maxSize: largestBody, onError: (c: HttpContext) => problemAnswer(c, 'too_large') }));
  app.notFound((c) => problemAnswer(c, 'not_found', { detail: 'See /openapi.json for what there is.' }));
  app.onError((error, c) => {
    onFailure({ error, correlationId: c.var.correlationId });
    return problemAnswer(c, 'internal', { detail: 'Try again later, and tell the operators this correlation id.' });
  });
  return app;
}

export interface ProblemDetails {
  detail?: string | undefined;
  errors?: Problem['errors'];
  retryAfterSeconds?: number | undefined;
}

export function problemAnswer(c: HttpContext, kind: ProblemKind, details: ProblemDetails = {}): Response {
  const { detail, errors, retryAfterSeconds } = details;
  const { status, title } = problems[kind];
  const body: Problem = {
    ...{ type: `urn:greengrass-itsm:${kind}`, title, status },
    ...(detail === undefined ? {} : { detail }),
    correlationId: c.var.correlationId,
    ...(errors === undefined ? {} : { errors }),
  };
  if (retryAfterSeconds !== undefined) c.header('retry-after', String(retryAfterSeconds));
  return c.body(JSON.stringify(body), status, { 'content-type': 'application/problem+json' });
}

/** A part of a request by its schema, or the answer that says what is wrong with it. */
export function parsePart<S extends z.ZodType>(
  c: HttpContext,
  schema: S,
  value: unknown,
): { ok: true; value: z.output<S> } | { ok: false; answer: Response } {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const errors = parsed.error.issues.slice(0, 20).map(({ path, message }) => ({ field: path.join('.'), message }));
  return { ok: false, answer: problemAnswer(c, 'invalid_request', { errors }) };
}

/** The JSON of a body; undefined, which no schema takes, where it is none. */
export async function jsonBody(c: HttpContext): Promise<unknown> {
  try {
    return await c.req.json();
  } catch {
    return undefined;
  }
}
