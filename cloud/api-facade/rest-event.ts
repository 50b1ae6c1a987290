import { z } from 'zod';
import { type PlanName, planName } from './contract.ts';

const texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((one) => one ?? {});

/** A request as API Gateway hands it to a function (payload 1.0), as far as it is used here. */
export const restEvent = z.object({
  httpMethod: z.string(),
  path: z.string().startsWith('/'),
  headers: texts,
  multiValueQueryStringParameters: z
    .record(z.string(), z.array(z.string()))
    .nullish()
    .transform((one) => one ?? {}),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().default(false),
  requestContext: z.object({
    requestId: z.string(),
    authorizer: z
      .object({
        /** Set by the key authoriser. */
        keyId: z.string().optional(),
        plan: planName.optional(),
        /** Set by the user pool's. */
        claims: z.object({ sub: z.string(), 'cognito:groups': z.string().default('') }).optional(),
      })
      .nullish(),
  }),
});

/** Who asks, as the authoriser of the route has found out. */
export interface Caller {
  requestId: string;
  /** `<account>.<slot>`: the key that was presented. */
  keyId: string | undefined;
  /** Plan of that key. */
  plan: PlanName | undefined;
  /** The account of the portal. */
  account: string | undefined;
  groups: readonly string[];
}

/** What a function answers to API Gateway. */
export interface RestAnswer {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}

/** An app that answers web requests, such as Hono's. */
export interface WebApp {
  fetch(request: Request, caller: Caller): Response | Promise<Response>;
}

/** Serves an event with an app. @throws z.ZodError where the event is none of API Gateway */
export async function serve(app: WebApp, event: unknown): Promise<RestAnswer> {
  const { httpMethod, path, headers, body, isBase64Encoded, ...rest } = restEvent.parse(event);
  // The host is of no meaning here: no address is made of it.
  const url = new URL(path, 'https://facade.invalid');
  for (const [name, values] of Object.entries(rest.multiValueQueryStringParameters)) {
    for (const value of values) url.searchParams.append(name, value);
  }
  const { requestId, authorizer } = rest.requestContext;
  const request = new Request(url, {
    method: httpMethod,
    headers,
    ...(typeof body === 'string' && body !== ''
      ? { body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8') }
      : {}),
  });
  const answer = await app.fetch(request, {
    requestId,
    keyId: authorizer?.keyId,
    plan: authorizer?.plan,
    account: authorizer?.claims?.sub,
    groups: (authorizer?.claims?.['cognito:groups'] ?? '').split(/[\s,[\]]+/).filter((group) => group !== ''),
  });
  return {
    statusCode: answer.status,
    headers: Object.fromEntries(answer.headers),
    body: await answer.text(),
  };
}
