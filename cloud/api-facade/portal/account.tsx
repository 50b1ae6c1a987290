import { useState } from 'preact/hooks';
import type { Settings } from './keys-api.ts';
import { createUserPool } from './user-pool.ts';

type Step = 'sign-in' | 'sign-up' | 'confirm';

const words: Record<Step, { title: string; action: string }> = {
  'sign-in': { title: 'Sign in', action: 'Sign in' },
  'sign-up': { title: 'Make an account', action: 'Make an account' },
  confirm: { title: 'Confirm your address', action: 'Confirm' },
};

/** sign-up → (a code is mailed) → confirm → (signed in at once, as the password is still known) → done; or sign-in → done. */
export function Account({ settings, onSignedIn }: { settings: Settings; onSignedIn: (token: string) => void }) {
  const [step, setStep] = useState<Step>('sign-in');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [said, setSaid] = useState<{ kind: 'bad' | 'good'; text: string }>();
  const [isBusy, setIsBusy] = useState(false);
  const pool = createUserPool(settings.userPool, settings.clientId);

  const go = (next: Step, text?: string) => {
    setStep(next);
    setSaid(text === undefined ? undefined : { kind: 'good', text });
  };

  async function take(code: string): Promise<void> {
    if (step === 'sign-up') {
      const told = await pool.signUp(email, password);
      if (told.ok) go('confirm', `A code was mailed to ${email}.`);
      else setSaid({ kind: 'bad', text: told.sentence });
      return;
    }
    if (step === 'confirm') {
      const told = await pool.confirm(email, code);
      if (!told.ok) {
        setSaid({ kind: 'bad', text: told.sentence });
        return;
      }
    }
    const told = await pool.signIn(email, password);
    if (told.ok) onSignedIn(told.value);
    else setSaid({ kind: 'bad', text: told.sentence });
  }

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    setIsBusy(true);
    await take(String(new FormData(form).get('code') ?? '').trim());
    setIsBusy(false);
  };

  const sendAgain = async () => {
    const told = await pool.sendCodeAgain(email);
    setSaid(
      told.ok ? { kind: 'good', text: `A new code was mailed to ${email}.` } : { kind: 'bad', text: told.sentence },
    );
  };

  return (
    <form class="card card-body stack" onSubmit={(event) => void submit(event)}>
      <h1>{words[step].title}</h1>
      {step === 'confirm' ? (
        <div class="field">
          <label for="code">Code from the mail</label>
          <input id="code" name="code" autocomplete="one-time-code" inputMode="numeric" required maxLength={20} />
        </div>
      ) : (
        <>
          <div class="field">
            <label for="email">Mail address</label>
            <input
              id="email"
              type="email"
              autocomplete="username"
              required
              maxLength={128}
              value={email}
              onInput={(event) => setEmail(event.currentTarget.value.trim())}
            />
          </div>
          <div class="field">
            <label for="password">Password</label>
            <input
              id="password"
              type="password"
              autocomplete={step === 'sign-up' ? 'new-password' : 'current-password'}
              required
              maxLength={256}
              minLength={step === 'sign-up' ? 14 : undefined}
              aria-describedby={step === 'sign-up' ? 'password-rule' : undefined}
              value={password}
              onInput={(event) => setPassword(event.currentTarget.value)}
            />
            {step === 'sign-up' ? (
              <p id="password-rule" class="quiet">
                At least 14 characters, with a capital, a small letter, a digit and another sign.
              </p>
            ) : null}
          </div>
        </>
      )}
      <p class={said === undefined ? '' : `banner ${said.kind}`} role="status">
        {said?.text}
      </p>
      <button type="submit" class="button primary" disabled={isBusy}>
        {words[step].action}
      </button>
      <div class="choices">
        {step === 'sign-in' ? null : (
          <button type="button" class="button" onClick={() => go('sign-in')}>
            I have an account
          </button>
        )}
        {step === 'sign-in' && settings.signUp === 'open' ? (
          <>
            <button type="button" class="button" onClick={() => go('sign-up')}>
              Make an account
            </button>
            <button type="button" class="button" disabled={email === ''} onClick={() => go('confirm')}>
              I have a code
            </button>
          </>
        ) : null}
        {step === 'confirm' ? (
          <button type="button" class="button" onClick={() => void sendAgain()}>
            Mail the code again
          </button>
        ) : null}
      </div>
    </form>
  );
}
