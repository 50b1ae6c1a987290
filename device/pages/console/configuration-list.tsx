import { useEffect, useState } from 'preact/hooks';
import type { ConfigurationInForce } from '../../console/contract.ts';
import { Instant } from '../shared/instant.tsx';
import { type Column, Table } from '../shared/table.tsx';
import type { ConsoleApi } from './console-api.ts';

type Field = ConfigurationInForce['fields'][number];

const columns: Column<Field>[] = [
  {
    key: 'field',
    label: 'Field',
    width: 'wide',
    cell: ({ path, description }) => (
      <>
        <code>{path}</code>
        <br />
        <span class="quiet">{description}</span>
      </>
    ),
  },
  {
    key: 'value',
    label: 'Value',
    width: 'wide',
    cell: ({ value, unit }) => <span class="fixed">{`${value} ${unit}`}</span>,
  },
  {
    key: 'layer',
    label: 'From',
    width: 'narrow',
    cell: ({ layer }) => <span class={`badge ${layer === 'default' ? '' : 'accent'}`}>{layer}</span>,
  },
];

/** The configuration of the handler in force, and which layer gave each value. */
export function ConfigurationList({ api }: { api: ConsoleApi }) {
  const [configuration, setConfiguration] = useState<ConfigurationInForce>();
  const [problem, setProblem] = useState<string>();
  const [search, setSearch] = useState('');
  const [isGivenOnly, setIsGivenOnly] = useState(true);
  useEffect(() => {
    const read = async () => {
      const answer = await api.configuration();
      if (answer.ok) setConfiguration(answer.value);
      else setProblem(answer.error);
    };
    void read();
  }, []);
  if (problem !== undefined) {
    return (
      <p class="banner bad" role="alert">
        {problem}
      </p>
    );
  }
  if (configuration === undefined) return null;
  const wanted = search.toLowerCase();
  const fields = configuration.fields.filter(
    ({ path, value, layer }) =>
      (!isGivenOnly || layer !== 'default') && `${path} ${value}`.toLowerCase().includes(wanted),
  );
  return (
    <div class="stack">
      {configuration.refused !== null && (
        <div class="banner warn" role="status">
          <p>
            The deployment’s configuration of <Instant atMs={configuration.refused.atMs} /> is not in force:
          </p>
          <pre>{configuration.refused.reason}</pre>
        </div>
      )}
      <div class="toolbar">
        <label>
          Search <input type="search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={isGivenOnly}
            onChange={(event) => setIsGivenOnly(event.currentTarget.checked)}
          />{' '}
          only what differs in layer from the defaults
        </label>
        <span class="spacer" />
        <span class="quiet">
          {fields.length} of {configuration.fields.length} fields, version <code>{configuration.version}</code> since{' '}
          <Instant atMs={configuration.sinceMs} />
        </span>
      </div>
      {fields.length === 0 ? (
        <p class="empty">{isGivenOnly && search === '' ? 'Every value is the default.' : 'No such field.'}</p>
      ) : (
        <Table caption="Configuration in force" columns={columns} rows={fields} keyOf={({ path }) => path} />
      )}
    </div>
  );
}
