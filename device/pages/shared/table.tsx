import type { ComponentChildren } from 'preact';

export interface Column<T> {
  key: string;
  label: string;
  /** `wide` takes what is left and, on a phone, a line of its own; `narrow` does not wrap. */
  width?: 'wide' | 'narrow';
  sortable?: boolean;
  numeric?: boolean;
  cell: (row: T) => ComponentChildren;
}

export interface Sort {
  key: string;
  descending: boolean;
}

export interface TableProps<T> {
  /** Says what the table holds, for those who hear it. */
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  sort?: Sort | undefined;
  onSort?: (sort: Sort) => void;
  /** A click anywhere on the row; a cell has to hold a link or button that does the same for the keyboard. */
  onOpen?: (row: T) => void;
  isCurrent?: (row: T) => boolean;
  /** Rows that have just come or changed are lit for a moment. */
  isFresh?: (row: T) => boolean;
}

/** A table that becomes a list of cards on a phone. */
export function Table<T>(props: TableProps<T>) {
  const { caption, columns, rows, keyOf, sort, onSort, onOpen, isCurrent, isFresh } = props;
  return (
    <div class="table-frame">
      <table class="cards">
        <caption class="only-spoken">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <ColumnHeader key={column.key} column={column} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={keyOf(row)}
              class={isFresh?.(row) === true ? 'fresh' : undefined}
              aria-current={isCurrent?.(row) === true ? 'true' : undefined}
              data-opens={onOpen === undefined ? undefined : ''}
              onClick={(event) => {
                if (onOpen !== undefined && isPlainClick(event)) onOpen(row);
              }}
            >
              {columns.map((column) => (
                <td key={column.key} class={cellClass(column)} data-label={column.label}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface ColumnHeaderProps<T> {
  column: Column<T>;
  sort: Sort | undefined;
  onSort: ((sort: Sort) => void) | undefined;
}

function ColumnHeader<T>({ column: { key, label, sortable, numeric }, sort, onSort }: ColumnHeaderProps<T>) {
  const isSorted = sort?.key === key;
  const order = !isSorted ? 'none' : sort.descending ? 'descending' : 'ascending';
  return (
    <th scope="col" class={numeric ? 'number' : undefined} aria-sort={sortable ? order : undefined}>
      {sortable && onSort !== undefined ? (
        <button type="button" class="sort" onClick={() => onSort({ key, descending: isSorted && !sort.descending })}>
          {label}
          <span aria-hidden="true">{!isSorted ? '' : sort.descending ? '▾' : '▴'}</span>
        </button>
      ) : (
        label
      )}
    </th>
  );
}

const cellClass = <T,>({ width, numeric }: Column<T>) =>
  [width, numeric ? 'number' : undefined].filter((name) => name !== undefined).join(' ') || undefined;

/** Not on a control within the row, and not the end of selecting text. */
function isPlainClick({ target, button }: MouseEvent): boolean {
  const isOnControl = target instanceof Element && target.closest('a, button, input, select') !== null;
  return button === 0 && !isOnControl && getSelection()?.isCollapsed !== false;
}
