import { type ListView, pageSizes } from './route.ts';

interface PagerProps {
  list: ListView;
  total: number;
  lastPage: number;
  onPage: (page: number) => void;
  onSize: (pageSize: number) => void;
}

export function Pager({ list: { page, pageSize }, total, lastPage, onPage, onSize }: PagerProps) {
  const first = total === 0 ? 0 : Math.min(page * pageSize + 1, total);
  const last = Math.min((page + 1) * pageSize, total);
  const turn = (label: string, sign: string, to: number) => (
    <button
      type="button"
      class="button"
      aria-label={label}
      disabled={to < 0 || to > lastPage || to === page}
      onClick={() => onPage(to)}
    >
      <span aria-hidden="true">{sign}</span>
    </button>
  );
  return (
    <nav class="card-body tight toolbar pager" aria-label="Pages">
      <label class="toolbar">
        <span class="quiet">Rows</span>
        <select value={String(pageSize)} onChange={(event) => onSize(Number(event.currentTarget.value))}>
          {pageSizes.map((size) => (
            <option key={size} value={String(size)}>
              {size}
            </option>
          ))}
        </select>
      </label>
      <span class="spacer" />
      {turn('First page', '«', 0)}
      {turn('Previous page', '‹', page - 1)}
      <span role="status">
        {first} to {last} of {total}
      </span>
      {turn('Next page', '›', page + 1)}
      {turn('Last page', '»', lastPage)}
    </nav>
  );
}
