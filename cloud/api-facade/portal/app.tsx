import { useEffect, useState } from 'preact/hooks';
import { Account } from './account.tsx';
import { KeyList } from './key-list.tsx';
import { readSettings, type Settings } from './keys-api.ts';

/**
 * signed out → (sign in) → signed in → (sign out, or a reload) → signed out. The token lives in this page's memory alone.
 */
export function App() {
  const [settings, setSettings] = useState<Settings>();
  const [isLost, setIsLost] = useState(false);
  const [token, setToken] = useState<string>();
  useEffect(() => {
    readSettings().then(setSettings, () => setIsLost(true));
  }, []);
  return (
    <>
      <header class="app-header">
        <span class="title">API keys</span>
        <span class="spacer" />
        <a href="openapi.json">OpenAPI document</a>
        {token === undefined ? null : (
          <button type="button" class="button" onClick={() => setToken(undefined)}>
            Sign out
          </button>
        )}
      </header>
      <main class={token === undefined ? 'login' : ''}>
        {isLost ? (
          <p class="banner bad" role="alert">
            The page could not be loaded. Reload it.
          </p>
        ) : null}
        {settings === undefined ? null : token === undefined ? (
          <Account settings={settings} onSignedIn={setToken} />
        ) : (
          <KeyList token={token} plans={settings.plans} />
        )}
      </main>
    </>
  );
}
