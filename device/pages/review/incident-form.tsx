import { useEffect, useState } from 'preact/hooks';
import { Tabs } from '../shared/tabs.tsx';
import { useKeys } from '../shared/use-keys.tsx';
import { ActionBar } from './action-bar.tsx';
import { ActivityStream } from './activity-stream.tsx';
import { AttachmentList } from './attachment-list.tsx';
import { type Draft, FieldGrid } from './field-grid.tsx';
import { type IncidentRecord, useIncidentRecord } from './incident-record.tsx';
import { fieldOf } from './instance-api.ts';
import { NoteComposer } from './note-composer.tsx';
import { usePage } from './page-context.tsx';
import { RelatedRecords } from './related-records.tsx';
import { ResolutionInformation } from './resolution-information.tsx';
import { PriorityBadge, StateBadge } from './state-badges.tsx';

export function IncidentForm({ name, onBack }: { name: string; onBack: () => void }) {
  const { record, reread } = useIncidentRecord(name);
  useKeys(typeof record === 'object' ? {} : { Escape: onBack });
  if (record === undefined) return <p class="empty">Reading {name} …</p>;
  if (typeof record === 'object') return <Form record={record} reread={reread} onBack={onBack} />;
  return (
    <div class="card card-body stack">
      <h1>No such incident</h1>
      <p>{record}</p>
      <div>
        <button type="button" class="button" onClick={onBack}>
          Back to the list
        </button>
      </div>
    </div>
  );
}

interface FormProps {
  record: IncidentRecord;
  reread: () => void;
  onBack: () => void;
}

function Form({ record, reread, onBack }: FormProps) {
  const { api, onRefused, session } = usePage();
  const { incident } = record;
  const [draft, setDraft] = useState<Draft>({});
  const [note, setNote] = useState('');
  const [isHeld, setIsHeld] = useState(false);
  const number = fieldOf(incident, 'number').value;
  const isDirty = Object.keys(draft).length > 0 || note.trim() !== '';
  useEffect(() => {
    document.title = `${number} · local ServiceNow`;
  }, [number]);

  /** Answers what was wrong, or undefined when it is written. */
  const write = async (fields: Readonly<Record<string, string>>): Promise<string | undefined> => {
    const answer = await api.update('incident', fieldOf(incident, 'sys_id').value, fields);
    if (!answer.ok) {
      if (answer.reason === 'signed-out') onRefused(answer);
      return answer.text;
    }
    reread();
    return undefined;
  };
  const save = async () => {
    const text = await write(Object.fromEntries(Object.entries(draft).map(([field, { to }]) => [field, to])));
    if (text === undefined) setDraft({});
    else onRefused({ reason: 'failed', text });
  };
  useKeys({
    Escape: () => {
      const focused = document.activeElement;
      if (focused instanceof HTMLElement && focused.matches('input, select, textarea')) focused.blur();
      else if (isDirty) setIsHeld(true);
      else onBack();
    },
  });

  return (
    <>
      <div class="card">
        <div class="card-header">
          <button type="button" class="button" onClick={onBack} aria-label="Back to the list">
            <span aria-hidden="true">‹</span>
          </button>
          <div class="form-title">
            <h1>{number}</h1>
            <p class="quiet">{fieldOf(incident, 'short_description').value}</p>
          </div>
          <PriorityBadge incident={incident} />
          <StateBadge incident={incident} />
          <span class="spacer" />
          {session.mayWrite ? <ActionBar incident={incident} write={write} onRefused={onRefused} /> : null}
        </div>
        <AttachmentList attachments={record.attachments} />
        <div class="card-body stack">
          <FieldGrid incident={incident} draft={draft} onDraft={setDraft} readOnly={!session.mayWrite} />
          {isHeld && isDirty ? (
            <p class="banner warn" role="alert">
              Something here is not saved: save or discard it before you leave.
              <button type="button" class="button" onClick={onBack}>
                Leave without saving
              </button>
            </p>
          ) : null}
          {Object.keys(draft).length === 0 ? null : (
            <div class="actions">
              <button type="button" class="button" onClick={() => setDraft({})}>
                Discard
              </button>
              <button type="button" class="button primary" onClick={() => void save()}>
                Save
              </button>
            </div>
          )}
        </div>
      </div>
      <Tabs
        label="Details"
        tabs={[
          {
            label: 'Notes',
            content: () => (
              <div class="stack">
                {session.mayWrite ? <NoteComposer note={note} onNote={setNote} write={write} /> : null}
                <ActivityStream record={record} />
              </div>
            ),
          },
          { label: `Related records (${record.related.length})`, content: () => <RelatedRecords record={record} /> },
          { label: 'Resolution information', content: () => <ResolutionInformation incident={incident} /> },
        ]}
      />
    </>
  );
}
