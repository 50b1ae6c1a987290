import { useState } from 'preact/hooks';
import { AssignDialog, CancelDialog, HoldDialog, ReopenDialog, ResolveDialog } from './action-dialogs.tsx';
import { type ActionName, actionsFor, states, takeFields, type WriteIncident } from './actions.ts';
import type { Row } from './instance-api.ts';
import { usePage } from './page-context.tsx';

const labels: Readonly<Record<ActionName, string>> = {
  take: 'Take',
  assign: 'Assign',
  hold: 'Put on hold',
  resume: 'Resume',
  resolve: 'Resolve',
  reopen: 'Reopen',
  cancel: 'Cancel incident',
};

const dialogs = {
  assign: AssignDialog,
  hold: HoldDialog,
  resolve: ResolveDialog,
  reopen: ReopenDialog,
  cancel: CancelDialog,
} as const;

interface ActionBarProps {
  incident: Row;
  write: WriteIncident;
  onRefused: (refusal: { reason: string; text: string }) => void;
}

export function ActionBar({ incident, write, onRefused }: ActionBarProps) {
  const { session } = usePage();
  const [open, setOpen] = useState<keyof typeof dialogs>();
  const [isBusy, setIsBusy] = useState(false);
  const atOnce = async (fields: Readonly<Record<string, string>>) => {
    setIsBusy(true);
    const text = await write(fields);
    setIsBusy(false);
    if (text !== undefined) onRefused({ reason: 'failed', text });
  };
  const act = (name: ActionName) => {
    if (name === 'take') void atOnce(takeFields(incident, session.sysId));
    else if (name === 'resume') void atOnce({ state: states.inProgress });
    else setOpen(name);
  };
  const OpenDialog = open === undefined ? undefined : dialogs[open];
  return (
    <fieldset class="toolbar plain">
      <legend class="only-spoken">Actions</legend>
      {actionsFor(incident, session.sysId).map((name) => (
        <button
          key={name}
          type="button"
          class={`button ${name === 'resolve' ? 'primary' : name === 'cancel' ? 'danger' : ''}`}
          disabled={isBusy}
          onClick={() => act(name)}
        >
          {labels[name]}
        </button>
      ))}
      {OpenDialog === undefined ? null : (
        <OpenDialog incident={incident} write={write} onClose={() => setOpen(undefined)} />
      )}
    </fieldset>
  );
}
