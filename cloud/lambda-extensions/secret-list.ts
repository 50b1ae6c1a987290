import type { SecretsConfig } from './contract.ts';

/** One secret that is wanted. */
export interface WantedSecret {
  /** What functions call it, and its file. */
  name: string;
  /** For Secrets Manager: name or ARN. */
  id: string;
  required: boolean;
  key: string | undefined;
}

/**
 * All secrets of a configuration, in its order.
 * @throws Error where two of them would be one file
 */
export function wantedSecrets({ SecretManagers }: SecretsConfig): WantedSecret[] {
  const wanted = SecretManagers.flatMap(({ prefix, secrets }) =>
    secrets.map(({ secretname, filename, required, key }) => ({
      ...{ name: filename ?? secretname, id: `${prefix}${secretname}`, required, key },
    })),
  );
  const twice = wanted.find(({ name }, at) => wanted.findIndex((other) => other.name === name) !== at);
  if (twice === undefined) return wanted;
  throw new Error(`Two secrets would be the file ${twice.name}: give one of them another \`filename\`.`);
}

export type Selected = { ok: true; value: string } | { ok: false; reason: 'not-json' | 'no-such-key' };

/** What of a secret's text is wanted: all of it, or one value of the object that it is. No reason holds any of it. */
export function selectValue(text: string, key: string | undefined): Selected {
  if (key === undefined) return { ok: true, value: text };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { ok: false, reason: 'not-json' };
  }
  if (typeof parsed !== 'object' || parsed === null || !Object.hasOwn(parsed, key)) {
    return { ok: false, reason: 'no-such-key' };
  }
  const value: unknown = Object.entries(parsed).find(([name]) => name === key)?.[1];
  return { ok: true, value: typeof value === 'string' ? value : JSON.stringify(value) };
}
