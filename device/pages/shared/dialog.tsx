import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

export interface DialogProps {
  title: string;
  /** Text of the button that does it. */
  action: string;
  danger?: boolean;
  /** Answers what was wrong, or undefined when it is done. */
  onSubmit: () => Promise<string | undefined>;
  /** Also by Escape, and when it is done. */
  onClose: () => void;
  children?: ComponentChildren;
}

/** A modal form. It stays open, with the reason, when what it asks for is refused. */
export function Dialog({ title, action, danger = false, onSubmit, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<string>();
  const [isBusy, setIsBusy] = useState(false);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);

  const submit = async (event: Event) => {
    event.preventDefault();
    setIsBusy(true);
    const refused = await onSubmit();
    setIsBusy(false);
    setProblem(refused);
    if (refused === undefined) onClose();
  };
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <form class="card-body stack" onSubmit={(event) => void submit(event)}>
        <h2 id={id}>{title}</h2>
        {children}
        {problem === undefined ? null : (
          <p class="banner bad" role="alert">
            {problem}
          </p>
        )}
        <div class="actions">
          <button type="button" class="button" onClick={onClose}>
            Back
          </button>
          <button type="submit" class={`button ${danger ? 'danger' : 'primary'}`} disabled={isBusy}>
            {action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
