import { useEffect, useState } from 'preact/hooks';
import { createKeysApi, type IssuedKey, type Key, type Settings, type Usage } from './keys-api.ts';

interface Row {
  key: Key;
  usage: Usage | undefined;
}

/** The keys of the account: issue, see what they were used for, revoke. */
export function KeyList({ token, plans }: { token: string; plans: Settings['plans'] }) {
  const [rows, setRows] = useState<readonly Row[]>();
  const [issued, setIssued] = useState<IssuedKey>();
  const [problem, setProblem] = useState<string>();
  /** The key that is asked about before it goes. */
  const [leaving, setLeaving] = useState<string>();
  const [isBusy, setIsBusy] = useState(false);
  const api = createKeysApi(token);

  async function show(): Promise<void> {
    const told = await api.list();
    if (told.ok) setRows(told.value);
    else setProblem(told.sentence);
  }

  useEffect(() => {
    void show();
  }, [token]);

  const issue = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const data = new FormData(form);
    setIsBusy(true);
    setProblem(undefined);
    const told = await api.issue(String(data.get('plan')), String(data.get('label')));
    setIsBusy(false);
    if (!told.ok) {
      setProblem(told.sentence);
      return;
    }
    setIssued(told.value);
    form.reset();
    await show();
  };

  const revoke = async (id: string) => {
    setLeaving(undefined);
    setProblem(undefined);
    const told = await api.revoke(id);
    if (!told.ok) setProblem(told.sentence);
    if (issued?.id === id) setIssued(undefined);
    await show();
  };

  return (
    <>
      <h1>Your API keys</h1>
      {problem === undefined ? null : (
        <p class="banner bad" role="alert">
          {problem}
        </p>
      )}
      <div role="status">
        {issued === undefined ? null : (
          <div class="card card-body stack">
            <h2>Key {issued.id} is made</h2>
            <p>Keep it now: it is shown this once, and nobody can look it up.</p>
            <code class="new-key">{issued.key}</code>
            <p class="quiet">
              It goes into the header <code>x-api-key</code> of each request.
            </p>
            <div class="actions">
              <button type="button" class="button" onClick={() => void navigator.clipboard.writeText(issued.key)}>
                Copy
              </button>
              <button type="button" class="button" onClick={() => setIssued(undefined)}>
                I have kept it
              </button>
            </div>
          </div>
        )}
      </div>
      <form class="card card-body stack" onSubmit={(event) => void issue(event)}>
        <h2>New key</h2>
        <div class="field">
          <label for="label">What it is for</label>
          <input id="label" name="label" required maxLength={60} />
        </div>
        <div class="field">
          <label for="plan">Plan</label>
          <select id="plan" name="plan">
            {Object.entries(plans).map(([name, { requestsPerSecond, requestsPerMonth, mayWrite }]) => (
              <option key={name} value={name}>
                {`${name}: ${mayWrite ? 'reads and writes' : 'reads only'}, ${requestsPerMonth.toLocaleString('en')} requests a month, ${requestsPerSecond} a second`}
              </option>
            ))}
          </select>
        </div>
        <div class="actions">
          <button type="submit" class="button primary" disabled={isBusy}>
            Issue the key
          </button>
        </div>
      </form>
      <section class="card" aria-labelledby="keys">
        <div class="card-header">
          <h2 id="keys">Keys</h2>
        </div>
        {rows === undefined ? null : rows.length === 0 ? (
          <p class="empty">There is none yet.</p>
        ) : (
          <section class="table-frame" aria-label="Keys, scrolls sideways">
            <table>
              <thead>
                <tr>
                  <th scope="col">Key</th>
                  <th scope="col">For</th>
                  <th scope="col">Plan</th>
                  <th scope="col">Issued</th>
                  <th scope="col">This month</th>
                  <th scope="col">State</th>
                </tr>
              </thead>
              <tbody>
                {rows.map(({ key, usage }) => (
                  <tr key={key.id}>
                    <td>{key.id}</td>
                    <td>{key.label}</td>
                    <td>{key.plan}</td>
                    <td>
                      <time dateTime={key.createdAt}>{key.createdAt.slice(0, 16).replace('T', ' ')} UTC</time>
                    </td>
                    <td>
                      {usage === undefined
                        ? 'unknown'
                        : `${usage.requests.toLocaleString('en')} of ${usage.requestsPerMonth.toLocaleString('en')}`}
                    </td>
                    <td>
                      {key.revokedAt !== null ? (
                        <span class="badge">revoked</span>
                      ) : leaving === key.id ? (
                        <span class="choices">
                          <button type="button" class="button danger" onClick={() => void revoke(key.id)}>
                            Revoke key {key.id} for good
                          </button>
                          <button type="button" class="button" ref={focus} onClick={() => setLeaving(undefined)}>
                            Keep it
                          </button>
                        </span>
                      ) : (
                        <button type="button" class="button" onClick={() => setLeaving(key.id)}>
                          Revoke<span class="only-spoken"> key {key.id}</span>
                        </button>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        )}
      </section>
    </>
  );
}

/** The button that a person pressed has gone: the safe one of those in its place is next. */
function focus(button: HTMLButtonElement | null): void {
  button?.focus();
}
