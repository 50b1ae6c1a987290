import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Dictionary } from './dictionary.ts';
import type { InstanceApi } from './instance-api.ts';
import type { Route } from './route.ts';
import type { Session } from './session-api.ts';

/** What every part of the page of somebody who is logged in needs. */
export interface PageContext {
  api: InstanceApi;
  session: Session;
  dictionary: Dictionary;
  /** Counts up when an incident was written, or when writes may have been missed: read anew. */
  version: number;
  go: (route: Route) => void;
  /** To be called with each refused answer; a session that has ended leads to the login. */
  onRefused: (refusal: { reason: string; text: string }) => void;
}

const context = createContext<PageContext | undefined>(undefined);
export const PageProvider = context.Provider;

export function usePage(): PageContext {
  const page = useContext(context);
  if (page === undefined) throw new Error('used outside of PageProvider');
  return page;
}
