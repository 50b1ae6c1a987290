import { selectValue, type WantedSecret } from './secret-list.ts';

/** Why a secret is not there, in a word that holds nothing of it. */
export type SecretFailure =
  | 'not-found'
  | 'denied'
  | 'throttled'
  | 'unavailable'
  | 'not-text'
  | 'not-json'
  | 'no-such-key';
export type Fetched = { ok: true; value: string } | { ok: false; reason: SecretFailure };

export interface SecretCachePorts {
  /** Fetches a secret's text, bounded in time. Never throws. */
  fetch(id: string): Promise<Fetched>;
  files: { write(name: string, value: string): void; keepOnly(names: readonly string[]): void; wipe(): void };
  /** Of the environment's clock, ms. */
  now(): number;
  log(level: 'info' | 'warn', message: string, fields: Record<string, string | number>): void;
}

export interface SecretCacheOptions {
  secrets: readonly WantedSecret[];
  ttlMs: number;
}

export interface SecretCache {
  /** Fetches all at once; answers the required ones that could not be had. */
  fill(): Promise<WantedSecret[]>;
  /**
   * Fetches what is older than its time; what cannot be had stays as it was. Answers after `limitMs` at the latest: what
   * comes later is there at the next invocation, and is not asked for twice meanwhile.
   */
  refresh(limitMs: number): Promise<void>;
  wipe(): void;
}

/**
 * Secrets of an execution environment, each in a file.
 *
 * | secret  | what is there  | fetched           | failed                       | shutdown |
 * |---------|----------------|-------------------|------------------------------|----------|
 * | missing | no file        | → fresh           | missing, tried again when due | –        |
 * | fresh   | file, in time  | –                 | –                            | → wiped  |
 * | old     | file, too old  | → fresh           | old, tried again when due     | → wiped  |
 *
 * A failure is tried again after a tenth of the time to live, not on each invocation: what is throttled stays so
 * otherwise. A repeated failure is logged when it changes.
 */
export function createSecretCache({ secrets, ttlMs }: SecretCacheOptions, ports: SecretCachePorts): SecretCache {
  const dueAt = new Map<string, number>();
  const failing = new Map<string, string>();
  /** Names of secrets whose answer is waited for. */
  const asked = new Set<string>();

  async function fetchOne(secret: WantedSecret): Promise<boolean> {
    const { name, id, key } = secret;
    asked.add(name);
    const fetched = await ports.fetch(id).finally(() => asked.delete(name));
    const selected = fetched.ok ? selectValue(fetched.value, key) : fetched;
    dueAt.set(name, ports.now() + (selected.ok ? ttlMs : ttlMs / 10));
    if (!selected.ok) {
      if (failing.get(name) !== selected.reason) {
        ports.log('warn', 'secret could not be fetched', { secret: name, reason: selected.reason });
      }
      failing.set(name, selected.reason);
      return false;
    }
    ports.files.write(name, selected.value);
    if (failing.delete(name)) ports.log('info', 'secret is there again', { secret: name });
    return true;
  }

  return {
    async fill() {
      // Of an environment that was started anew after a failure, whose /tmp is that of the one before.
      ports.files.keepOnly([]);
      const had = await Promise.all(secrets.map(async (secret) => ({ secret, there: await fetchOne(secret) })));
      ports.log('info', 'secrets fetched', { fetched: had.filter(({ there }) => there).length, of: secrets.length });
      return had.filter(({ secret, there }) => secret.required && !there).map(({ secret }) => secret);
    },
    async refresh(limitMs) {
      const now = ports.now();
      const due = secrets.filter(({ name }) => (dueAt.get(name) ?? 0) <= now && !asked.has(name));
      if (due.length === 0) return;
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, Math.max(0, limitMs));
      });
      await Promise.race([Promise.all(due.map(fetchOne)), over]).finally(() => clearTimeout(timer));
    },
    wipe() {
      ports.files.wipe();
      dueAt.clear();
    },
  };
}
