import { useId, useState } from 'preact/hooks';
import { Dialog } from '../shared/dialog.tsx';
import { states, type WriteIncident } from './actions.ts';
import { ChoiceField } from './field-grid.tsx';
import { fieldOf, type Row } from './instance-api.ts';
import { usePage } from './page-context.tsx';

interface ActionDialogProps {
  incident: Row;
  write: WriteIncident;
  onClose: () => void;
}

const withNote = (field: 'work_notes' | 'comments', note: string) => (note.trim() === '' ? {} : { [field]: note });

export function AssignDialog({ incident, write, onClose }: ActionDialogProps) {
  const [group, setGroup] = useState(fieldOf(incident, 'assignment_group').value);
  const [person, setPerson] = useState(fieldOf(incident, 'assigned_to').value);
  return (
    <Dialog
      title="Assign"
      action="Assign"
      onClose={onClose}
      onSubmit={() => write({ assignment_group: group, assigned_to: person })}
    >
      <Choice incident={incident} field="assignment_group" value={group} onChange={setGroup} />
      <Choice incident={incident} field="assigned_to" value={person} onChange={setPerson} />
    </Dialog>
  );
}

export function HoldDialog({ incident, write, onClose }: ActionDialogProps) {
  const [reason, setReason] = useState('');
  const [note, setNote] = useState('');
  return (
    <Dialog
      title="Put on hold"
      action="Put on hold"
      onClose={onClose}
      onSubmit={() => write({ state: states.onHold, hold_reason: reason, ...withNote('work_notes', note) })}
    >
      <Choice incident={incident} field="hold_reason" value={reason} isRequired onChange={setReason} />
      <Note label="Work note" value={note} onChange={setNote} />
    </Dialog>
  );
}

export function ResolveDialog({ incident, write, onClose }: ActionDialogProps) {
  const [code, setCode] = useState(fieldOf(incident, 'close_code').value);
  const [notes, setNotes] = useState('');
  return (
    <Dialog
      title="Resolve"
      action="Resolve"
      onClose={onClose}
      onSubmit={() => write({ state: states.resolved, close_code: code, close_notes: notes })}
    >
      <Choice incident={incident} field="close_code" value={code} isRequired onChange={setCode} />
      <Note label="Resolution notes" value={notes} isRequired onChange={setNotes} />
    </Dialog>
  );
}

export function ReopenDialog({ write, onClose }: ActionDialogProps) {
  const [reason, setReason] = useState('');
  return (
    <Dialog
      title="Reopen"
      action="Reopen"
      onClose={onClose}
      onSubmit={() => write({ state: states.inProgress, ...withNote('work_notes', reason) })}
    >
      <Note label="Reason" value={reason} isRequired onChange={setReason} />
    </Dialog>
  );
}

export function CancelDialog({ write, onClose }: ActionDialogProps) {
  const [reason, setReason] = useState('');
  return (
    <Dialog
      title="Cancel incident"
      action="Cancel incident"
      danger
      onClose={onClose}
      onSubmit={() => write({ state: states.canceled, ...withNote('work_notes', reason) })}
    >
      <p>A canceled incident stays closed, also while the breach that it tells of goes on.</p>
      <Note label="Reason" value={reason} isRequired onChange={setReason} />
    </Dialog>
  );
}

interface ChoiceProps {
  incident: Row;
  field: string;
  value: string;
  isRequired?: boolean;
  onChange: (value: string) => void;
}

function Choice({ incident, field, value, isRequired = false, onChange }: ChoiceProps) {
  const { dictionary } = usePage();
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={isRequired ? 'required' : undefined}>
        {dictionary.fieldLabel(field)}
      </label>
      <ChoiceField
        id={id}
        value={value}
        display={fieldOf(incident, field).display}
        options={dictionary.options(field)}
        isRequired={isRequired}
        onChange={onChange}
      />
    </div>
  );
}

interface NoteProps {
  label: string;
  value: string;
  isRequired?: boolean;
  onChange: (value: string) => void;
}

function Note({ label, value, isRequired = false, onChange }: NoteProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={isRequired ? 'required' : undefined}>
        {label}
      </label>
      <textarea
        id={id}
        rows={4}
        maxLength={4_000}
        required={isRequired}
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </div>
  );
}
