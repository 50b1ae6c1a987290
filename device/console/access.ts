import { createHmac } from 'node:crypto';
import { isLoopbackName } from '../platform/host-check.ts';
import { isSameSecret } from './token.ts';

/** What a request says of who sends it. */
export interface Asking {
  /** The Host header. */
  host: string | undefined;
  remoteAddress: string | undefined;
  authorization: string | undefined;
  cookie: string | undefined;
}

/**
 * | who asks                                    | may read | may change |
 * |---------------------------------------------|----------|------------|
 * | this machine, by a loopback name            | yes      | no         |
 * | a page that has shown the token before      | yes      | no         |
 * | whoever shows the token                     | yes      | yes        |
 *
 * The cookie is made of the token and good for reading only, so that no other page can use it to change anything.
 */
export interface Access {
  mayRead(asking: Asking): boolean;
  mayChange(asking: Asking): boolean;
  /** Set-Cookie for a page that has shown the token. */
  readingCookie(): string;
}

const cookieName = 'console-reader';

export function createAccess(token: string): Access {
  const readerKey = createHmac('sha256', token).update('console reader').digest('base64url');

  const mayChange = ({ authorization }: Asking) => {
    const shown = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    return shown !== undefined && isSameSecret(shown, token);
  };
  const isHere = ({ host, remoteAddress }: Asking) =>
    host !== undefined && isLoopbackName(host) && isLoopbackAddress(remoteAddress ?? '');
  const isReader = ({ cookie }: Asking) =>
    (cookie ?? '').split(/; */).some((pair) => {
      const [name, value = ''] = pair.split('=');
      return name === cookieName && isSameSecret(value, readerKey);
    });

  return {
    mayChange,
    mayRead: (asking) => isHere(asking) || isReader(asking) || mayChange(asking),
    readingCookie: () => `${cookieName}=${readerKey}; HttpOnly; SameSite=Strict; Path=/`,
  };
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
