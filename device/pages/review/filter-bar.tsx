import { useRef, useState } from 'preact/hooks';
import { breadcrumb, encodeListQuery, parseListQuery } from './list-query.ts';
import { usePage } from './page-context.tsx';

/** The breadcrumb of the list's filter, which is an encoded query: shown in words, edited and copied as it is. */
export function FilterBar({ query, onQuery }: { query: string; onQuery: (query: string) => void }) {
  const { dictionary } = usePage();
  const [isEditing, setIsEditing] = useState(false);
  const [isCopied, setIsCopied] = useState(false);
  const editor = useRef<HTMLInputElement>(null);
  const { conditions, sort } = parseListQuery(query);
  const labels = { field: dictionary.fieldLabel, value: dictionary.valueLabel };
  const keep = (kept: readonly string[]) => onQuery(encodeListQuery({ conditions: kept, sort }));

  const copy = async () => {
    setIsEditing(true);
    try {
      await navigator.clipboard.writeText(query);
      setIsCopied(true);
      setTimeout(() => setIsCopied(false), 2_000);
    } catch {
      // Without the right to write the clipboard, the text stands there marked, to be copied by hand.
      editor.current?.select();
    }
  };
  const apply = (event: Event) => {
    event.preventDefault();
    onQuery(editor.current?.value.trim() ?? '');
    setIsEditing(false);
  };

  return (
    <div class="stack">
      <div class="toolbar">
        <nav aria-label="Filter" class="breadcrumb">
          <ol>
            <li>
              <button type="button" onClick={() => keep([])}>
                All
              </button>
            </li>
            {breadcrumb(conditions, labels).map(({ text, upTo, without }) => (
              <li key={upTo.join('^')}>
                <button type="button" onClick={() => keep(upTo)} title="Remove the conditions after this one">
                  {text}
                </button>
                <button type="button" class="remove" onClick={() => keep(without)} aria-label={`Remove: ${text}`}>
                  ×
                </button>
              </li>
            ))}
          </ol>
        </nav>
        <span class="spacer" />
        <button type="button" class="button" aria-expanded={isEditing} onClick={() => setIsEditing(!isEditing)}>
          Edit filter
        </button>
        <button type="button" class="button" onClick={() => void copy()}>
          {isCopied ? 'Copied' : 'Copy query'}
        </button>
      </div>
      {isEditing ? (
        <form class="toolbar" onSubmit={apply}>
          <div class="field query-editor">
            <label for="encoded-query">Encoded query</label>
            <input id="encoded-query" class="fixed" ref={editor} defaultValue={query} key={query} spellcheck={false} />
          </div>
          <button type="submit" class="button primary">
            Run
          </button>
        </form>
      ) : null}
      <span class="only-spoken" role="status">
        {isCopied ? 'The encoded query is in the clipboard' : ''}
      </span>
    </div>
  );
}
