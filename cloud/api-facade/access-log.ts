/**
 * The phases that a request goes through in API Gateway, in their order: each has an error, a latency in ms and a status,
 * so that the log says not only that a request failed, but where.
 * Source: "Variables for access logging for API Gateway", API Gateway Developer Guide.
 */
const phases = ['waf', 'authenticate', 'authorizer', 'authorize', 'integration'] as const;

/** One line a request, as JSON. Holds no key, no body and no query, in which a text of a customer may stand. */
export function accessLogFormat(): string {
  const line = {
    time: '$context.requestTimeEpoch',
    requestId: '$context.requestId',
    traceId: '$context.xrayTraceId',
    method: '$context.httpMethod',
    route: '$context.resourcePath',
    status: '$context.status',
    responseLatency: '$context.responseLatency',
    responseLength: '$context.responseLength',
    caller: '$context.authorizer.principalId',
    plan: '$context.authorizer.plan',
    sourceIp: '$context.identity.sourceIp',
    error: '$context.error.responseType',
    ...Object.fromEntries(
      phases.map((phase) => [
        phase,
        {
          error: `$context.${phase}.error`,
          latency: `$context.${phase}.latency`,
          status: `$context.${phase}.status`,
        },
      ]),
    ),
  };
  return JSON.stringify(line);
}
