import { useEffect, useRef, useState } from 'preact/hooks';
import { Instant } from '../shared/instant.tsx';
import { type Column, Table } from '../shared/table.tsx';
import { parseInstanceTime } from '../shared/time-text.ts';
import { useKeys } from '../shared/use-keys.tsx';
import { FilterBar } from './filter-bar.tsx';
import { IncidentLink } from './incident-link.tsx';
import { fieldOf, type Row } from './instance-api.ts';
import { encodeListQuery, parseListQuery, withSearch } from './list-query.ts';
import { usePage } from './page-context.tsx';
import { Pager } from './pager.tsx';
import type { ListView } from './route.ts';
import { PriorityBadge, StateBadge } from './state-badges.tsx';

const time = (field: string) => (row: Row) => <Instant atMs={parseInstanceTime(fieldOf(row, field).value)} />;
const display = (field: string) => (row: Row) => fieldOf(row, field).display;

const shown: readonly Column<Row>[] = [
  { key: 'number', label: 'Number', width: 'narrow', cell: (row) => <IncidentLink incident={row} /> },
  { key: 'opened_at', label: 'Opened', cell: time('opened_at') },
  { key: 'short_description', label: 'Short description', width: 'wide', cell: display('short_description') },
  { key: 'priority', label: 'Priority', width: 'narrow', cell: (row) => <PriorityBadge incident={row} /> },
  { key: 'state', label: 'State', width: 'narrow', cell: (row) => <StateBadge incident={row} /> },
  { key: 'category', label: 'Category', cell: display('category') },
  { key: 'assignment_group', label: 'Assignment group', cell: display('assignment_group') },
  { key: 'assigned_to', label: 'Assigned to', cell: display('assigned_to') },
  { key: 'sys_updated_on', label: 'Updated', cell: time('sys_updated_on') },
];
const columns = shown.map((column): Column<Row> => ({ ...column, sortable: true }));

const fields = ['sys_id', 'sys_mod_count', ...columns.map((column) => column.key)];

interface Listed {
  rows: readonly Row[];
  total: number;
  /** sys_ids of rows that came or changed since the same list was last read. */
  fresh: ReadonlySet<string>;
}

export function IncidentList({ list, lastOpened }: { list: ListView; lastOpened: string | undefined }) {
  const { go } = usePage();
  const listed = useListed(list);
  const frame = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const show = (change: Partial<ListView>) => go({ page: 'list', list: { ...list, page: 0, ...change } });
  const { conditions, sort } = parseListQuery(list.query);

  const links = () => [...(frame.current?.querySelectorAll<HTMLElement>('tbody a') ?? [])];
  const move = (step: number) => {
    const all = links();
    const at = all.findIndex((link) => link.matches(':focus'));
    const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
    all[next]?.focus();
  };
  const lastPage = Math.max(0, Math.ceil((listed?.total ?? 0) / list.pageSize) - 1);
  const turn = (page: number) => {
    if (page >= 0 && page <= lastPage && page !== list.page) show({ page });
  };
  useKeys({
    j: () => move(1),
    ArrowDown: () => move(1),
    k: () => move(-1),
    ArrowUp: () => move(-1),
    n: () => turn(list.page + 1),
    p: () => turn(list.page - 1),
    '/': () => search.current?.focus(),
  });

  // Whoever comes back from an incident goes on where it stands in the list.
  const isRead = listed !== undefined;
  useEffect(() => {
    if (isRead && lastOpened !== undefined)
      links()
        .find((link) => link.dataset['sysId'] === lastOpened)
        ?.focus();
  }, [isRead]);

  return (
    <>
      <div class="card">
        <div class="card-header">
          <h1>Incidents</h1>
          <search>
            <form
              class="toolbar"
              onSubmit={(event) => {
                event.preventDefault();
                show({ search: search.current?.value.trim() ?? '' });
              }}
            >
              <label class="only-spoken" for="search">
                Search number, descriptions and correlation ID
              </label>
              <input
                id="search"
                type="search"
                ref={search}
                defaultValue={list.search}
                key={list.search}
                placeholder="Search"
              />
              <button type="submit" class="button">
                Search
              </button>
            </form>
          </search>
        </div>
        <div class="card-body tight">
          <FilterBar query={list.query} onQuery={(query) => show({ query })} />
        </div>
        <div ref={frame} aria-busy={listed === undefined}>
          <Table
            caption="Incidents"
            columns={columns}
            rows={listed?.rows ?? []}
            keyOf={(row) => fieldOf(row, 'sys_id').value}
            sort={sort}
            onSort={(next) => show({ query: encodeListQuery({ conditions, sort: next }) })}
            onOpen={(row) => go({ page: 'incident', name: fieldOf(row, 'sys_id').value })}
            isFresh={(row) => listed?.fresh.has(fieldOf(row, 'sys_id').value) === true}
          />
          {listed?.total === 0 ? <p class="empty">No incident matches this filter.</p> : null}
        </div>
        <Pager
          list={list}
          total={listed?.total ?? 0}
          lastPage={lastPage}
          onPage={turn}
          onSize={(pageSize) => show({ pageSize })}
        />
      </div>
      <p class="quiet keys">
        Keys: <kbd>j</kbd> <kbd>k</kbd> or arrows move, <kbd>Enter</kbd> opens, <kbd>n</kbd> <kbd>p</kbd> turn the page,{' '}
        <kbd>/</kbd> searches; in an incident <kbd>Esc</kbd> leads back.
      </p>
    </>
  );
}

/** The page of the list, read anew whenever an incident was written. Undefined until it is there. */
function useListed(list: ListView): Listed | undefined {
  const { api, version, onRefused } = usePage();
  const [listed, setListed] = useState<Listed & { of: string }>();
  const query = withSearch(list.query, list.search);
  const of = JSON.stringify([query, list.page, list.pageSize]);

  useEffect(() => {
    let isLatest = true;
    const read = async () => {
      const offset = list.page * list.pageSize;
      const answer = await api.list('incident', { query, fields, limit: list.pageSize, offset });
      if (!isLatest) return;
      if (!answer.ok) onRefused(answer);
      else
        setListed((before) => ({
          ...answer.value,
          of,
          fresh: before?.of === of ? changed(before.rows, answer.value.rows) : new Set(),
        }));
    };
    void read();
    return () => {
      isLatest = false;
    };
  }, [api, of, version]);
  return listed;
}

function changed(before: readonly Row[], after: readonly Row[]): ReadonlySet<string> {
  const counts = new Map(before.map((row) => [fieldOf(row, 'sys_id').value, fieldOf(row, 'sys_mod_count').value]));
  const isFresh = (row: Row) => counts.get(fieldOf(row, 'sys_id').value) !== fieldOf(row, 'sys_mod_count').value;
  return new Set(after.filter(isFresh).map((row) => fieldOf(row, 'sys_id').value));
}
