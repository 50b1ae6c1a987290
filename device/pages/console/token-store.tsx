import { readFragment } from './fragment.ts';

/** The token is kept for this tab alone, and leaves the address at once: an address is copied, kept and logged. */
const storageKey = 'console-token';

export function takeTokenFromAddress(): void {
  const { token } = readFragment(location.hash);
  if (token === undefined) return;
  keepToken(token);
  history.replaceState(null, '', location.pathname + location.search);
}

export function keepToken(token: string): void {
  sessionStorage.setItem(storageKey, token);
}

export function keptToken(): string | undefined {
  return sessionStorage.getItem(storageKey) ?? undefined;
}

export function forgetToken(): void {
  sessionStorage.removeItem(storageKey);
}
