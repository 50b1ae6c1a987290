import { useId } from 'preact/hooks';
import type { Option } from './dictionary.ts';
import { fieldOf, type Row } from './instance-api.ts';
import { usePage } from './page-context.tsx';

/** Fields that a person has changed and not saved, with what they held when the change began. */
export type Draft = Readonly<Record<string, { from: string; to: string }>>;

type Control = 'shown' | 'choice' | 'line' | 'text';

const left: readonly (readonly [string, Control])[] = [
  ['number', 'shown'],
  ['caller_id', 'choice'],
  ['category', 'choice'],
  ['cmdb_ci', 'choice'],
];
const right: readonly (readonly [string, Control])[] = [
  ['contact_type', 'choice'],
  ['state', 'shown'],
  ['impact', 'choice'],
  ['urgency', 'choice'],
  ['priority', 'shown'],
  ['assignment_group', 'choice'],
  ['assigned_to', 'choice'],
];
const below: readonly (readonly [string, Control])[] = [
  ['short_description', 'line'],
  ['description', 'text'],
];

/** Longest values that the instance keeps. */
const maxLengths: Readonly<Record<string, number>> = { short_description: 160, description: 4_000 };

/** Fields that always hold something. */
const required: readonly string[] = ['impact', 'urgency', 'category'];

interface FieldGridProps {
  incident: Row;
  draft: Draft;
  onDraft: (draft: Draft) => void;
  readOnly: boolean;
}

export function FieldGrid(props: FieldGridProps) {
  const { incident } = props;
  const onHold = fieldOf(incident, 'state').value === '3' ? [['hold_reason', 'choice'] as const] : [];
  const show = (fields: readonly (readonly [string, Control])[]) =>
    fields.map(([name, control]) => <FormField key={name} {...props} name={name} control={control} />);
  return (
    <div class="stack">
      <div class="columns">
        <div class="stack start">{show([...left, ...onHold])}</div>
        <div class="stack start">{show(right)}</div>
      </div>
      {show(below)}
    </div>
  );
}

function FormField({
  incident,
  draft,
  onDraft,
  readOnly,
  name,
  control,
}: FieldGridProps & { name: string; control: Control }) {
  const { dictionary } = usePage();
  const id = useId();
  const stored = fieldOf(incident, name);
  const change = draft[name];
  const value = change?.to ?? stored.value;
  const label = dictionary.fieldLabel(name);

  const set = (to: string) => {
    const { [name]: _, ...others } = draft;
    onDraft(to === stored.value ? others : { ...others, [name]: { from: change?.from ?? stored.value, to } });
  };
  if (control === 'shown' || readOnly) {
    return (
      <div class="field">
        <span class="label" id={id}>
          {label}
        </span>
        <output aria-labelledby={id}>{stored.display}</output>
      </div>
    );
  }
  const typed = {
    id,
    value,
    maxLength: maxLengths[name],
    onInput: (event: { currentTarget: { value: string } }) => set(event.currentTarget.value),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {control === 'choice' ? (
        <ChoiceField
          id={id}
          value={value}
          display={stored.display}
          options={dictionary.options(name)}
          isRequired={required.includes(name)}
          onChange={set}
        />
      ) : control === 'line' ? (
        <input {...typed} />
      ) : (
        <textarea {...typed} rows={Math.min(14, value.split('\n').length + 2)} />
      )}
      {change !== undefined && change.from !== stored.value ? (
        <p class="warn" role="status">
          Changed meanwhile to: {stored.display === '' ? '(empty)' : stored.display}
        </p>
      ) : null}
    </div>
  );
}

interface ChoiceFieldProps {
  id: string;
  value: string;
  /** Stands for a stored value that is none of the options. */
  display: string;
  options: readonly Option[];
  isRequired: boolean;
  onChange: (value: string) => void;
}

export function ChoiceField({ id, value, display, options, isRequired, onChange }: ChoiceFieldProps) {
  const isListed = value === '' || options.some((option) => option.value === value);
  return (
    <select id={id} value={value} required={isRequired} onChange={(event) => onChange(event.currentTarget.value)}>
      {isRequired && value !== '' ? null : <option value="">-- None --</option>}
      {isListed ? null : <option value={value}>{display}</option>}
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}
