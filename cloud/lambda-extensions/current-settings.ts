import { defaultSettings, type Settings, settings } from './contract.ts';

/** What the agent answered: its text, or why there is none. */
export type Asked = { ok: true; text: string } | { ok: false; reason: string };

export interface Current extends Settings {
  /** Set where these are not what AppConfig has now: the last that were read, or the defaults. */
  stale?: true;
  /** Why they are stale, in a word. */
  reason?: string;
}

/**
 * The settings that a function goes by.
 *
 * | known | the agent answers           | goes by                  |
 * |-------|-----------------------------|--------------------------|
 * | any   | settings                    | those; they are known now |
 * | none  | something else, or nothing  | the defaults, `stale`    |
 * | some  | something else, or nothing  | the known ones, `stale`  |
 */
export function createCurrentSettings(): (asked: Asked) => Current {
  let known: Settings | undefined;
  return (asked) => {
    const read = asked.ok ? parse(asked.text) : { ok: false as const, reason: asked.reason };
    if (!read.ok) return { ...(known ?? defaultSettings), stale: true, reason: read.reason };
    known = read.value;
    return known;
  };
}

function parse(text: string): { ok: true; value: Settings } | { ok: false; reason: string } {
  try {
    const parsed = settings.safeParse(JSON.parse(text));
    return parsed.success ? { ok: true, value: parsed.data } : { ok: false, reason: 'bad-schema' };
  } catch {
    return { ok: false, reason: 'not-json' };
  }
}
