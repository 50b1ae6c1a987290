import { useState } from 'preact/hooks';
import { logIn, type Session } from './session-api.ts';

export function Login({ onLogin }: { onLogin: (session: Session) => void }) {
  const [problem, setProblem] = useState<string>();
  const [isBusy, setIsBusy] = useState(false);

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const data = new FormData(form);
    setIsBusy(true);
    const result = await logIn(String(data.get('userName')), String(data.get('password')));
    setIsBusy(false);
    if (typeof result === 'string') setProblem(result);
    else onLogin(result);
  };
  return (
    <main class="login">
      <form class="card card-body stack" onSubmit={(event) => void submit(event)}>
        <h1>Log in to the local ServiceNow</h1>
        <div class="field">
          <label for="user-name">User name</label>
          <input id="user-name" name="userName" autocomplete="username" required maxLength={80} />
        </div>
        <div class="field">
          <label for="password">Password</label>
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="current-password"
            required
            maxLength={256}
          />
        </div>
        {problem === undefined ? null : (
          <p class="banner bad" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="button primary" disabled={isBusy}>
          Log in
        </button>
        <p class="quiet">
          The user is <code>admin</code> unless another was chosen; the password is in <code>credentials.json</code> of
          the instance’s data folder, unless it was given at the start.
        </p>
      </form>
    </main>
  );
}
