import type { ApiAnswer, ApiRequest } from '../api.ts';
import { isSameToken, type Session, type Sessions, sessionIdOf } from './sessions.ts';

const readMethods: readonly string[] = ['GET', 'HEAD'];

/** Whether the request comes from the review page, logged in or not any more: it has no other proof of a user. */
export function isFromPage({ headers }: ApiRequest): boolean {
  return (
    headers.get('authorization') === null &&
    headers.get('x-sn-apikey') === null &&
    (sessionIdOf(headers.get('cookie')) !== undefined || headers.has('x-usertoken'))
  );
}

/**
 * The session behind a request of the review page. A write needs the session's `X-UserToken` too, as on an instance:
 * what another site can make a browser send has the cookie at most.
 */
export function sessionOf(sessions: Sessions, request: ApiRequest): Session | undefined {
  if (!isFromPage(request)) return undefined;
  const session = sessions.use(sessionIdOf(request.headers.get('cookie')) ?? '');
  if (session === undefined) return undefined;
  const isRead = readMethods.includes(request.method) && request.headers.get('x-http-method-override') === null;
  return isRead || isSameToken(request.headers.get('x-usertoken') ?? '', session.userToken) ? session : undefined;
}

/** A page asks for the password itself: without the header, the browser does not put up its own dialog. */
export function withoutPrompt(answer: ApiAnswer): ApiAnswer {
  const { 'WWW-Authenticate': _, ...headers } = answer.headers;
  return { ...answer, headers };
}
