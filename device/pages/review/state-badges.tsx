import { states } from './actions.ts';
import { type Field, fieldOf, type Row } from './instance-api.ts';

const stateTones: Readonly<Record<string, string>> = {
  [states.new]: 'accent',
  [states.inProgress]: 'warn',
  [states.onHold]: 'warn',
  [states.resolved]: 'good',
};

const priorityTones: Readonly<Record<string, string>> = { '1': 'bad', '2': 'bad', '3': 'warn' };

const badge = (field: Field, tones: Readonly<Record<string, string>>) =>
  field.value === '' ? null : <span class={`badge ${tones[field.value] ?? ''}`}>{field.display}</span>;

export const StateBadge = ({ incident }: { incident: Row }) => badge(fieldOf(incident, 'state'), stateTones);
export const PriorityBadge = ({ incident }: { incident: Row }) => badge(fieldOf(incident, 'priority'), priorityTones);
