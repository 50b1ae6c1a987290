import { Instant } from '../shared/instant.tsx';
import { parseInstanceTime } from '../shared/time-text.ts';
import { fieldLabels } from './dictionary.ts';
import { fieldOf, type Row } from './instance-api.ts';

const fields = [
  'close_code',
  'close_notes',
  'resolved_by',
  'resolved_at',
  'closed_by',
  'closed_at',
  'reopen_count',
] as const;

export function ResolutionInformation({ incident }: { incident: Row }) {
  return (
    <dl class="facts">
      {fields.map((field) => {
        const { value, display } = fieldOf(incident, field);
        const atMs = parseInstanceTime(value);
        return (
          <div class="fact" key={field}>
            <dt>{fieldLabels[field]}</dt>
            <dd class="prose">{atMs === undefined ? display || '–' : <Instant atMs={atMs} />}</dd>
          </div>
        );
      })}
    </dl>
  );
}
