import { z } from 'zod';

/** A request of an HTTP API, payload format 2.0, as far as the handlers read it. */
export const httpEvent = z
  .object({
    queryStringParameters: z.record(z.string(), z.string()).nullish(),
    body: z.string().nullish(),
    isBase64Encoded: z.boolean().default(false),
    requestContext: z
      .object({ authorizer: z.object({ iam: z.object({ userArn: z.string() }).optional() }).nullish() })
      .optional(),
  })
  .transform(({ queryStringParameters, body, isBase64Encoded, requestContext }) => ({
    /** ARN of who signed it. */
    caller: requestContext?.authorizer?.iam?.userArn,
    query: queryStringParameters ?? {},
    body: isBase64Encoded ? Buffer.from(body ?? '', 'base64').toString('utf8') : (body ?? ''),
  }));

export interface HttpAnswer {
  status: number;
  /** Sent as JSON. */
  body: unknown;
}

const titles = {
  400: 'Bad Request',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
} as const;

/** RFC 9457: what is wrong, where, and what to do. */
export function problem(status: keyof typeof titles, detail: string): HttpAnswer {
  return { status, body: { status, title: titles[status], detail } };
}

export function httpResponse({ status, body }: HttpAnswer) {
  const kind = status < 400 ? 'application/json' : 'application/problem+json';
  // An answer has addresses that are as good as keys.
  return {
    statusCode: status,
    headers: { 'content-type': kind, 'cache-control': 'no-store' },
    body: JSON.stringify(body),
  };
}

/** The fields of a value that do not fit, in words. */
export function misfits(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; ');
}
