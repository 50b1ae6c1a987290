import { ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway';
import { type ProblemKind, problems } from './contract.ts';

/** What API Gateway itself refuses, in the words of the API. Anything else that goes wrong in it is `internal`. */
const refusals: readonly [ResponseType, ProblemKind][] = [
  [ResponseType.BAD_REQUEST_PARAMETERS, 'invalid_request'],
  [ResponseType.BAD_REQUEST_BODY, 'invalid_request'],
  [ResponseType.UNAUTHORIZED, 'not_signed_in'],
  [ResponseType.EXPIRED_TOKEN, 'not_signed_in'],
  [ResponseType.ACCESS_DENIED, 'forbidden'],
  [ResponseType.INVALID_API_KEY, 'forbidden'],
  [ResponseType.WAF_FILTERED, 'forbidden'],
  // Its name for a route that is not there.
  [ResponseType.MISSING_AUTHENTICATION_TOKEN, 'not_found'],
  [ResponseType.REQUEST_TOO_LARGE, 'too_large'],
  [ResponseType.THROTTLED, 'limit_exceeded'],
  [ResponseType.QUOTA_EXCEEDED, 'limit_exceeded'],
  [ResponseType.DEFAULT_5XX, 'internal'],
];

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
    api.addGatewayResponse(type.responseType, {
      type,
      statusCode: String(status),
      responseHeaders: { 'Content-Type': "'application/problem+json'", 'X-Correlation-Id': 'context.requestId' },
      // messageString has its own quotes.
      templates: {
        'application/json': body
          .replace('"ID"', '"$context.requestId"')
          .replace('"DETAIL"', '$context.error.messageString'),
      },
    });
  }
}
