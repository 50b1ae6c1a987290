import { useEffect, useRef } from 'preact/hooks';

/** Keys by their `KeyboardEvent.key`, e.g. `j`, `ArrowDown`, `Escape`, `/`. */
export type KeyActions = Readonly<Record<string, (event: KeyboardEvent) => void>>;

/** Shortcuts of a page. They rest while somebody types, holds a modifier, or has a dialog open. */
export function useKeys(actions: KeyActions): void {
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (document.querySelector('dialog[open]') !== null || isTyping(event)) return;
      const action = Object.hasOwn(latest.current, event.key) ? latest.current[event.key] : undefined;
      if (action === undefined) return;
      event.preventDefault();
      action(event);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}

/** Escape leaves a field too, so it is for the page wherever it is pressed. */
function isTyping({ target, key }: KeyboardEvent): boolean {
  return key !== 'Escape' && target instanceof Element && target.closest('input, select, textarea') !== null;
}
