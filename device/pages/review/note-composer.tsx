import { useState } from 'preact/hooks';
import type { WriteIncident } from './actions.ts';

interface NoteComposerProps {
  note: string;
  onNote: (note: string) => void;
  write: WriteIncident;
}

/** A note for those who work on it, or a comment that the caller sees too. */
export function NoteComposer({ note, onNote, write }: NoteComposerProps) {
  const [problem, setProblem] = useState<string>();
  const [isBusy, setIsBusy] = useState(false);
  const post = async (field: 'work_notes' | 'comments') => {
    setIsBusy(true);
    const refused = await write({ [field]: note });
    setIsBusy(false);
    setProblem(refused);
    if (refused === undefined) onNote('');
  };
  const isEmpty = note.trim() === '';
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void post('work_notes');
      }}
    >
      <div class="field">
        <label for="note">Note</label>
        <textarea id="note" rows={3} value={note} onInput={(event) => onNote(event.currentTarget.value)} />
      </div>
      {problem === undefined ? null : (
        <p class="banner bad" role="alert">
          {problem}
        </p>
      )}
      <div class="actions">
        <button type="button" class="button" disabled={isEmpty || isBusy} onClick={() => void post('comments')}>
          Post comment
        </button>
        <button type="submit" class="button primary" disabled={isEmpty || isBusy}>
          Post work note
        </button>
      </div>
      <p class="quiet">A work note is for those who work on the incident; a comment is also for its caller.</p>
    </form>
  );
}
