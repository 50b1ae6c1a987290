import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ConnectionState, useEvents } from '../shared/use-events.tsx';
import { type Dictionary, dictionaryOf, loadDictionary } from './dictionary.ts';
import { FaultBanner, type Faults, parseFaults } from './fault-banner.tsx';
import { IncidentForm } from './incident-form.tsx';
import { IncidentList } from './incident-list.tsx';
import { createInstanceApi } from './instance-api.ts';
import { Login } from './login.tsx';
import { PageProvider } from './page-context.tsx';
import { defaultList, type ListView, pathOf, type Route, routeOf } from './route.ts';
import { currentSession, logOut, type Session } from './session-api.ts';

/** unknown → logged out ⇄ logged in */
type LoginState = { kind: 'unknown' } | { kind: 'out' } | { kind: 'in'; session: Session };

export function App() {
  const [login, setLogin] = useState<LoginState>({ kind: 'unknown' });
  useEffect(() => {
    const read = async () => {
      const session = await currentSession().catch(() => undefined);
      setLogin(session === undefined ? { kind: 'out' } : { kind: 'in', session });
    };
    void read();
  }, []);
  switch (login.kind) {
    case 'unknown':
      return null;
    case 'out':
      return <Login onLogin={(session) => setLogin({ kind: 'in', session })} />;
    case 'in':
      return <Pages key={login.session.userToken} session={login.session} onEnd={() => setLogin({ kind: 'out' })} />;
  }
}

/** A burst of writes is read once. */
const gatherMs = 200;

function Pages({ session, onEnd }: { session: Session; onEnd: () => void }) {
  const [route, setRoute] = useState<Route>(() => routeOf(new URL(location.href)));
  const [version, setVersion] = useState(0);
  const [faults, setFaults] = useState<Faults>([]);
  const [problem, setProblem] = useState<string>();
  const [dictionary, setDictionary] = useState<Dictionary>(() =>
    dictionaryOf({ choices: [], people: [], groups: [], items: [] }),
  );
  const api = useMemo(() => createInstanceApi(session.userToken), [session.userToken]);
  const [isDue, setIsDue] = useState(false);
  const lastList = useRef<ListView>(defaultList);
  const lastOpened = useRef<string | undefined>(undefined);
  const main = useRef<HTMLElement>(null);

  useEffect(() => {
    if (!isDue) return;
    const timer = setTimeout(() => {
      setIsDue(false);
      setVersion((before) => before + 1);
    }, gatherMs);
    return () => clearTimeout(timer);
  }, [isDue]);

  const connection = useEvents('/review/events', {
    onOpen: () => setVersion((before) => before + 1),
    on: { incidents: () => setIsDue(true), faults: (data) => setFaults(parseFaults(data)) },
  });
  const isLive = connection === 'live';
  useEffect(() => {
    const load = async () => setDictionary(await loadDictionary(api));
    void load();
  }, [api, isLive]);
  // A stream that is refused does not say why; the session may have ended.
  useEffect(() => {
    if (connection !== 'lost') return;
    const check = async () => {
      const session = await currentSession().catch(() => 'unreachable' as const);
      if (session === undefined) onEnd();
    };
    void check();
  }, [connection]);

  useEffect(() => {
    const onPop = () => setRoute(routeOf(new URL(location.href)));
    addEventListener('popstate', onPop);
    return () => removeEventListener('popstate', onPop);
  }, []);
  const go = (next: Route) => {
    history.pushState(null, '', pathOf(next));
    setRoute(next);
  };
  if (route.page === 'list') lastList.current = route.list;
  else lastOpened.current = route.name;

  const pageOf = route.page === 'list' ? 'list' : route.name;
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = route.page === 'list' ? 'Incidents · local ServiceNow' : document.title;
    setProblem(undefined);
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
  }, [pageOf]);

  const leave = async () => {
    await logOut().catch(() => undefined);
    onEnd();
  };
  const backToList = () => go({ page: 'list', list: lastList.current });
  const onRefused = ({ reason, text }: { reason: string; text: string }) =>
    reason === 'signed-out' ? onEnd() : setProblem(text);

  return (
    <PageProvider value={{ api, session, dictionary, version, go, onRefused }}>
      <a class="skip-link" href="#main">
        Skip to the content
      </a>
      <header class="app-header">
        <a
          class="title"
          href="/"
          onClick={(event) => {
            event.preventDefault();
            go({ page: 'list', list: defaultList });
          }}
        >
          Local ServiceNow
        </a>
        <ConnectionState connection={connection} />
        <span class="spacer" />
        <span class="user">{session.name}</span>
        <button type="button" class="button" onClick={() => void leave()}>
          Log out
        </button>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <FaultBanner faults={faults} />
        {problem === undefined ? null : (
          <p class="banner bad" role="alert">
            {problem}
          </p>
        )}
        {route.page === 'list' ? (
          <IncidentList list={route.list} lastOpened={lastOpened.current} />
        ) : (
          <IncidentForm key={route.name} name={route.name} onBack={backToList} />
        )}
      </main>
    </PageProvider>
  );
}
