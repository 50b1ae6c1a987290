import { ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway';
import { type ProblemKind, problems } from './contract.ts';

/** What API Gateway itself refuses, in the words of the API. Its other 4xx are `invalid_request`, its 5xx `internal`. */
const refusals: readonly [ResponseType, ProblemKind][] = [
  [ResponseType.BAD_REQUEST_PARAMETERS, 'invalid_request'],
  [ResponseType.BAD_REQUEST_BODY, 'invalid_request'],
  [ResponseType.UNAUTHORIZED, 'not_signed_in'],
  [ResponseType.EXPIRED_TOKEN, 'not_signed_in'],
  [ResponseType.ACCESS_DENIED, 'forbidden'],
  [ResponseType.INVALID_API_KEY, 'forbidden'],
  [ResponseType.INVALID_SIGNATURE, 'forbidden'],
  [ResponseType.WAF_FILTERED, 'forbidden'],
  [ResponseType.RESOURCE_NOT_FOUND, 'not_found'],
  // Its name for a route that is not there.
  [ResponseType.MISSING_AUTHENTICATION_TOKEN, 'not_found'],
  [ResponseType.REQUEST_TOO_LARGE, 'too_large'],
  [ResponseType.THROTTLED, 'limit_exceeded'],
  [ResponseType.QUOTA_EXCEEDED, 'limit_exceeded'],
  [ResponseType.DEFAULT_4XX, 'invalid_request'],
  [ResponseType.DEFAULT_5XX, 'internal'],
];

/** Seconds. A plan's rate is a second's; its month ends on a day that API Gateway does not tell. */
const retryAfter = new Map([
  [ResponseType.THROTTLED, 1],
  [ResponseType.QUOTA_EXCEEDED, 86_400],
]);

/** Makes the API's own refusals problems, as those of its functions are. */
export function addGatewayProblems(api: RestApi): void {
  for (const [type, kind] of refusals) {
    const { status, title } = problems[kind];
    const body = JSON.stringify({
      type: `urn:greengrass-itsm:${kind}`,
      title,
      status,
      correlationId: 'ID',
      detail: 'DETAIL',
    });
    const seconds = retryAfter.get(type);
    api.addGatewayResponse(type.responseType, {
      type,
      statusCode: String(status),
      responseHeaders: {
        'Content-Type': "'application/problem+json'",
        'X-Correlation-Id': 'context.requestId',
        ...(seconds === undefined ? {} : { 'Retry-After': `'${seconds}'` }),
      },
      // messageString has its own quotes.
      templates: {
        'application/json': body
          .replace('"ID"', '"$context.requestId"')
          .replace('"DETAIL"', '$context.error.messageString'),
      },
    });
  }
}
