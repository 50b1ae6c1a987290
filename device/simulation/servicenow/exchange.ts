import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../../platform/logger.ts';
import { sleep, type Time, type Timer } from '../../platform/time.ts';
import { type ApiAnswer, type ApiRequest, type Identity, refusals } from './api.ts';
import { type FaultPlan, planFaults } from './fault-plan.ts';
import type { FaultEngine } from './faults.ts';
import { readBody, sendTruncated, toApiRequest } from './http-edge.ts';
import { type Instance, tableOf } from './instance.ts';
import type { OAuth } from './oauth.ts';
import { malformed, represented } from './representation.ts';
import { isFromPage } from './review/session-requests.ts';

export interface ExchangeDeps {
  instance: Instance;
  oauth: OAuth;
  faults: FaultEngine;
  time: Time;
  logger: Logger;
  origin: () => string;
}

/** One request and its answer, with the faults in between. */
export interface Exchange {
  /** What is to be sent; undefined where there is nothing to send any more. */
  serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<ApiAnswer | undefined>;
  /** Drops the commits that are still to come and the requests that are held back: the instance goes down with them. */
  abort(): void;
  /** Resolves when no request is being served any more. */
  idle(): Promise<void>;
}

export function createExchange({ instance, oauth, faults, time, logger, origin }: ExchangeDeps): Exchange {
  const down = new AbortController();
  const lateCommits = new Set<Timer>();
  const inFlight = new Set<Promise<unknown>>();

  async function answerOf(request: ApiRequest, identity: Identity | undefined, plan: FaultPlan): Promise<ApiAnswer> {
    if (request.path === '/oauth_token.do' && request.method === 'POST') return oauth.token(request);
    return represented(instance.handle(request, identity, plan.limits), request.headers.get('accept'));
  }

  function planOf(request: ApiRequest): FaultPlan {
    const table = tableOf(request.path);
    const bodyText = () => Buffer.from(request.body).toString('utf8');
    const method = request.headers.get('x-http-method-override')?.toUpperCase() ?? request.method;
    // Faults lie between the instance and its clients; the page is a part of the instance, and takes none of theirs.
    const struck = isFromPage(request) ? [] : faults.strike({ method, path: request.path, table, bodyText });
    if (struck.length > 0) {
      logger.debug(
        { method, path: request.path, kinds: struck.map((fault) => fault.kind) },
        'request struck by faults',
      );
    }
    return planFaults(struck, { table, sysId: request.path.split('/').at(-1) ?? '' }, time.wallMs());
  }

  async function exchange(incoming: IncomingMessage, outgoing: ServerResponse): Promise<ApiAnswer | undefined> {
    const body = await readBody(incoming);
    if (!body.ok) return body.reason === 'too-large' ? refusals.tooLarge(body.bytes) : undefined;
    const request = toApiRequest(incoming, body.bytes, origin());
    const plan = planOf(request);
    if (plan.delayMs > 0) await sleep(time, plan.delayMs, down.signal);
    if (plan.expiresToken) {
      oauth.expire(/^bearer\s+(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? '');
    }
    const { outcome } = plan;
    if (outcome.kind === 'answered') return represented(outcome.answer, request.headers.get('accept'));
    if (outcome.kind === 'cut-before-commit') {
      incoming.socket.destroy();
      return undefined;
    }
    const identity = await instance.authenticate(request);
    if (down.signal.aborted) return undefined;
    if (outcome.kind === 'cut-then-commit') {
      commitLater(outcome.delayMs, request, identity, plan);
      incoming.socket.destroy();
      return undefined;
    }
    const answer = await answerOf(request, identity, plan);
    switch (outcome.kind) {
      case 'commit-then-cut':
        incoming.socket.destroy();
        return undefined;
      case 'truncated-body':
        return sendTruncated(outgoing, answer) ? undefined : answer;
      case 'malformed-body':
        return malformed(answer);
      case 'served':
        return answer;
    }
  }

  function commitLater(delayMs: number, request: ApiRequest, identity: Identity | undefined, plan: FaultPlan): void {
    const timer = time.after(delayMs, () => {
      lateCommits.delete(timer);
      try {
        instance.handle(request, identity, plan.limits);
      } catch (error) {
        logger.error({ err: error }, 'late commit failed');
      }
    });
    lateCommits.add(timer);
  }

  return {
    async serve(incoming, outgoing) {
      const serving = exchange(incoming, outgoing);
      inFlight.add(serving);
      try {
        return await serving;
      } finally {
        inFlight.delete(serving);
      }
    },
    async idle() {
      await Promise.allSettled(inFlight);
    },
    abort() {
      down.abort();
      for (const timer of lateCommits) timer.cancel();
      lateCommits.clear();
    },
  };
}
