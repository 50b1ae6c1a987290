import { useState } from 'preact/hooks';
import { Dialog } from '../shared/dialog.tsx';
import { forgetToken, keepToken } from './token-store.tsx';

export interface TokenButtonProps {
  /** Undefined until it is known. */
  mayChange: boolean | undefined;
  /** Tries the token that is kept now; answers what is wrong with it. */
  onToken: () => Promise<string | undefined>;
}

/** Says whether this page may change anything, and takes or forgets the token. */
export function TokenButton({ mayChange, onToken }: TokenButtonProps) {
  const [isOpen, setIsOpen] = useState(false);
  const [token, setToken] = useState('');
  const submit = async () => {
    keepToken(token.trim());
    setToken('');
    return onToken();
  };
  const forget = async () => {
    forgetToken();
    await onToken();
  };
  if (mayChange === undefined) return null;
  return (
    <>
      <span>{mayChange ? 'You may make changes' : 'Reading only'}</span>
      {mayChange ? (
        <button type="button" class="button" onClick={() => void forget()}>
          Lock
        </button>
      ) : (
        <button type="button" class="button" onClick={() => setIsOpen(true)}>
          Unlock changes
        </button>
      )}
      {isOpen ? (
        <Dialog title="Unlock changes" action="Unlock" onSubmit={submit} onClose={() => setIsOpen(false)}>
          <p class="quiet">
            The token is in the link that npm start prints, and in the file <code>console-token</code> of the handler’s
            data directory.
          </p>
          <label class="field">
            <span class="required">Token</span>
            <input
              required
              type="password"
              autocomplete="off"
              value={token}
              onInput={(event) => setToken(event.currentTarget.value)}
            />
          </label>
        </Dialog>
      ) : null}
    </>
  );
}
