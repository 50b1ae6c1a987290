import { type ApiAnswer, refusals } from './api.ts';
import type { Fault } from './faults.ts';
import type { ReadingLimits } from './table-api.ts';

/** What becomes of one request under the faults that strike it. */
export interface FaultPlan {
  delayMs: number;
  limits: ReadingLimits;
  /** The access token is expired before the request is looked at. */
  expiresToken: boolean;
  outcome:
    | { kind: 'served' }
    /** Answered without being looked at. */
    | { kind: 'answered'; answer: ApiAnswer }
    | { kind: 'cut-before-commit' }
    | { kind: 'commit-then-cut' }
    | { kind: 'cut-then-commit'; delayMs: number }
    | { kind: 'truncated-body' }
    | { kind: 'malformed-body' };
}

const hibernatingPage =
  '<!DOCTYPE html><html><head><title>Instance Hibernating page</title></head>' +
  '<body><h1>Your instance is hibernating</h1><p>Sign in to the developer site to wake it.</p></body></html>';

/** Pure: puts the faults of the four stages together. `wallMs` dates the end of a rate limit. */
export function planFaults(
  faults: readonly Fault[],
  request: { table: string | undefined; sysId: string },
  wallMs: number,
): FaultPlan {
  const plan: FaultPlan = {
    delayMs: 0,
    limits: { invisible: false, droppedFields: [] },
    expiresToken: false,
    outcome: { kind: 'served' },
  };
  for (const fault of faults) {
    switch (fault.kind) {
      case 'slow':
        plan.delayMs = fault.delayMs;
        break;
      case 'create-without-read':
        plan.limits = { ...plan.limits, invisible: true };
        break;
      case 'drop-query-parts':
        plan.limits = { ...plan.limits, droppedFields: fault.fields };
        break;
      case 'expire-token':
        plan.expiresToken = true;
        break;
      case 'status':
        plan.outcome = { kind: 'answered', answer: statusAnswer(fault, wallMs) };
        break;
      case 'hibernate':
        plan.outcome = {
          kind: 'answered',
          answer: {
            status: 200,
            headers: {},
            body: { kind: 'bytes', contentType: 'text/html', bytes: Buffer.from(hibernatingPage) },
          },
        };
        break;
      case 'business-rule':
        plan.outcome = {
          kind: 'answered',
          answer: refusals.businessRule(request.table ?? 'incident', fault.name, request.sysId),
        };
        break;
      case 'data-policy':
        plan.outcome = { kind: 'answered', answer: refusals.dataPolicy(fault.fields) };
        break;
      case 'cut-then-commit':
        plan.outcome = { kind: fault.kind, delayMs: fault.delayMs };
        break;
      default:
        plan.outcome = { kind: fault.kind };
    }
  }
  return plan;
}

function statusAnswer(fault: Extract<Fault, { kind: 'status' }>, wallMs: number): ApiAnswer {
  const retryAfter: Record<string, string> =
    fault.retryAfterSeconds === undefined ? {} : { 'Retry-After': String(fault.retryAfterSeconds) };
  switch (fault.status) {
    case 401:
      return refusals.notAuthenticated();
    case 403:
      return refusals.mayNotQuery();
    case 404:
      return refusals.noRecord();
    case 429: {
      const limit = fault.limitPerHour ?? 1_000;
      // A default instance sends none of these headers; one with a rule of its own sends all.
      const headers: Record<string, string> =
        fault.retryAfterSeconds === undefined
          ? {}
          : {
              ...retryAfter,
              'X-RateLimit-Limit': String(limit),
              'X-RateLimit-Reset': String(Math.ceil(wallMs / 1_000) + fault.retryAfterSeconds),
              'X-RateLimit-Rule': 'Table API limit',
            };
      return refusals.rateLimited(limit, headers);
    }
    default:
      return { ...refusals.serverError(fault.status), headers: retryAfter };
  }
}
