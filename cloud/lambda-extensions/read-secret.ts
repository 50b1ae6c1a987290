import type { Fetched } from './secret-cache.ts';
import { selectValue, type WantedSecret } from './secret-list.ts';

export interface ReadSecret {
  value: string;
  from: 'cache' | 'secrets-manager';
}

export interface ReadSecretPorts {
  /** What the extension has put there; undefined where it has not. */
  readFile(name: string): string | undefined;
  fetch(id: string): Promise<Fetched>;
  now(): number;
}

/** How long a value that was fetched here is used, ms. */
const keptMs = 60_000;
const mostKept = 50;

/**
 * Reads secrets by the names of `config.yaml`: from the extension's files, and where the extension is not there, from
 * Secrets Manager. A name that the configuration does not have is the secret's own.
 * @throws Error (from the returned function) that names the secret and says why it cannot be had
 */
export function createReadSecret(
  wanted: readonly WantedSecret[],
  { readFile, fetch, now }: ReadSecretPorts,
): (name: string) => Promise<ReadSecret> {
  const kept = new Map<string, { value: string; until: number }>();

  return async (name) => {
    if (!/^[A-Za-z0-9/_+=.@:-]{1,512}$/.test(name)) throw new Error('This is no name of a secret.');
    const cached = name.includes('/') ? undefined : readFile(name);
    if (cached !== undefined) return { value: cached, from: 'cache' };
    const before = kept.get(name);
    if (before !== undefined && before.until > now()) return { value: before.value, from: 'secrets-manager' };
    const { id, key } = wanted.find((one) => one.name === name) ?? { id: name, key: undefined };
    const fetched = await fetch(id);
    const selected = fetched.ok ? selectValue(fetched.value, key) : fetched;
    if (!selected.ok) {
      throw new Error(`The secret ${name} could not be read (${selected.reason}): see the room's runbook, "Secrets".`);
    }
    if (kept.size >= mostKept) kept.clear();
    kept.set(name, { value: selected.value, until: now() + keptMs });
    return { value: selected.value, from: 'secrets-manager' };
  };
}
