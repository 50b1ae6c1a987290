import { useEffect, useState } from 'preact/hooks';
import type { DeadLetters } from '../../console/contract.ts';
import { type Column, Table } from '../shared/table.tsx';
import type { ConsoleApi } from './console-api.ts';
import { IncidentLink } from './incident-link.tsx';
import { ruleName } from './labels.ts';

type DeadLetter = DeadLetters[number];

export interface DeadLetterListProps {
  /** How many there are now; another number is read anew. */
  count: number;
  api: ConsoleApi;
  onChanged: () => Promise<void>;
}

/** Steps that the instance refused, with its reasons; once these are gone they are sent again. */
export function DeadLetterList({ count, api, onChanged }: DeadLetterListProps) {
  const [letters, setLetters] = useState<DeadLetters>([]);
  const [told, setTold] = useState<{ isProblem: boolean; text: string }>();
  useEffect(() => {
    const read = async () => {
      const answer = await api.deadLetters();
      if (answer.ok) setLetters(answer.value);
      else setTold({ isProblem: true, text: answer.error });
    };
    void read();
  }, [count]);

  const redrive = async (ids: readonly number[] | 'all') => {
    const answer = await api.redrive(ids);
    setTold(
      answer.ok
        ? { isProblem: false, text: 'Sent again. What the instance still refuses comes back here.' }
        : { isProblem: true, text: answer.error },
    );
    await onChanged();
  };
  const columns: Column<DeadLetter>[] = [
    {
      key: 'step',
      label: 'Step',
      width: 'wide',
      cell: ({ kind, correlationId, breach }) => (
        <>
          <strong>{kind}</strong> {breach === null ? correlationId : `${breach.deviceId} ${ruleName(breach)}`}{' '}
          {breach?.incident == null ? null : <IncidentLink breach={breach} />}
        </>
      ),
    },
    { key: 'error', label: 'Refused because', width: 'wide', cell: ({ error }) => error },
    { key: 'attempts', label: 'Attempts', numeric: true, cell: ({ attempts }) => attempts },
    {
      key: 'redrive',
      label: 'Redrive',
      width: 'narrow',
      cell: ({ id }) => (
        <button type="button" class="button small" onClick={() => void redrive([id])}>
          Redrive<span class="only-spoken"> step {id}</span>
        </button>
      ),
    },
  ];
  return (
    <div class="stack">
      {told === undefined ? null : (
        <p class={`banner ${told.isProblem ? 'bad' : 'good'}`} role={told.isProblem ? 'alert' : 'status'}>
          {told.text}
        </p>
      )}
      {letters.length === 0 ? (
        <p class="empty">The instance has refused nothing.</p>
      ) : (
        <>
          <p class="quiet">Later steps of the same breach wait behind these. Cure the reason, then send them again.</p>
          <div class="toolbar">
            <button type="button" class="button primary" onClick={() => void redrive('all')}>
              Redrive all
            </button>
          </div>
          <Table caption="Dead letters" columns={columns} rows={letters} keyOf={({ id }) => String(id)} />
        </>
      )}
    </div>
  );
}
