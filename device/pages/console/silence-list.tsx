import { useState } from 'preact/hooks';
import type { Overview, SilenceView } from '../../console/contract.ts';
import { Instant } from '../shared/instant.tsx';
import { type Column, Table } from '../shared/table.tsx';
import type { ConsoleApi } from './console-api.ts';
import type { SilenceScope } from './silence-dialog.tsx';

export interface SilenceListProps {
  overview: Overview;
  api: ConsoleApi;
  onNew: (scope: SilenceScope) => void;
  onChanged: () => Promise<void>;
}

/** What is held back, by whom, why and until when. */
export function SilenceList({ overview, api, onNew, onChanged }: SilenceListProps) {
  const [problem, setProblem] = useState<string>();
  const end = async (id: string) => {
    const answer = await api.endSilence(id);
    setProblem(answer.ok ? undefined : answer.error);
    await onChanged();
  };
  const columns: Column<SilenceView>[] = [
    { key: 'about', label: 'About', width: 'wide', cell: (silence) => scopeText(silence) },
    { key: 'author', label: 'Set by', cell: ({ author }) => author },
    { key: 'reason', label: 'Reason', width: 'wide', cell: ({ reason }) => reason },
    { key: 'since', label: 'Since', width: 'narrow', cell: ({ startsAtMs }) => <Instant atMs={startsAtMs} /> },
    { key: 'until', label: 'Until', width: 'narrow', cell: ({ endsAtMs }) => <Instant atMs={endsAtMs} /> },
    {
      key: 'end',
      label: 'End',
      width: 'narrow',
      cell: (silence) => (
        <button type="button" class="button small" onClick={() => void end(silence.id)}>
          End now<span class="only-spoken">: {scopeText(silence)}</span>
        </button>
      ),
    },
  ];
  return (
    <div class="stack">
      {problem === undefined ? null : (
        <p class="banner bad" role="alert">
          {problem}
        </p>
      )}
      <div class="toolbar">
        <button
          type="button"
          class="button"
          onClick={() => onNew({ site: null, deviceId: null, metric: null, rule: null })}
        >
          New silence
        </button>
      </div>
      {overview.silences.length === 0 ? (
        <p class="empty">Nothing is silenced.</p>
      ) : (
        <Table caption="Silences" columns={columns} rows={overview.silences} keyOf={({ id }) => id} />
      )}
    </div>
  );
}

function scopeText({ site, deviceId, metric, rule }: SilenceView): string {
  const where = deviceId ?? (site === null ? 'all devices' : `all devices at ${site}`);
  return `${where}, ${metric === null ? 'all metrics' : metric === '*' ? 'the whole sensor' : metric}, ${rule ?? 'all rules'}`;
}
