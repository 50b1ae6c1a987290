import { z } from 'zod/mini';
import type { Told } from './user-pool.ts';

const key = z.object({
  id: z.string(),
  plan: z.string(),
  label: z.string(),
  createdAt: z.string(),
  revokedAt: z.nullable(z.string()),
});
export type Key = z.infer<typeof key>;
const issuedKey = z.extend(key, { key: z.string() });
export type IssuedKey = z.infer<typeof issuedKey>;
const usage = z.object({ month: z.string(), requests: z.number(), requestsPerMonth: z.number() });
export type Usage = z.infer<typeof usage>;
const problem = z.object({
  title: z.string(),
  detail: z.optional(z.string()),
  errors: z.optional(z.array(z.object({ field: z.string(), message: z.string() }))),
});
const settings = z.object({
  userPool: z.string(),
  clientId: z.string(),
  signUp: z.enum(['open', 'closed']),
  plans: z.record(
    z.string(),
    z.object({ requestsPerSecond: z.number(), requestsPerMonth: z.number(), mayWrite: z.boolean() }),
  ),
});
export type Settings = z.infer<typeof settings>;

export async function readSettings(): Promise<Settings> {
  return settings.parse(await (await fetch('portal/files/settings.json')).json());
}

/** The keys of the account that is signed in. */
export interface KeysApi {
  list(): Promise<Told<{ key: Key; usage: Usage | undefined }[]>>;
  issue(plan: string, label: string): Promise<Told<IssuedKey>>;
  revoke(id: string): Promise<Told<undefined>>;
}

export function createKeysApi(token: string): KeysApi {
  async function call<S extends z.ZodMiniType>(
    schema: S,
    path: string,
    init: RequestInit = {},
  ): Promise<Told<z.output<S>>> {
    try {
      const answer = await fetch(`portal/apikeys${path}`, {
        ...init,
        headers: { authorization: token, 'content-type': 'application/json' },
      });
      const body: unknown = answer.status === 204 ? undefined : await answer.json();
      if (answer.ok) return { ok: true, value: schema.parse(body) };
      return { ok: false, sentence: sentenceOf(body) };
    } catch {
      return { ok: false, sentence: 'The API cannot be reached. Try again later.' };
    }
  }

  return {
    async list() {
      const told = await call(z.object({ keys: z.array(key) }), '');
      if (!told.ok) return told;
      const used = await Promise.all(told.value.keys.map(({ id }) => call(usage, `/${id}/usage`)));
      return {
        ok: true,
        value: told.value.keys.map((one, place) => {
          const found = used[place];
          return { key: one, usage: found?.ok === true ? found.value : undefined };
        }),
      };
    },
    issue: (plan, label) => call(issuedKey, '', { method: 'POST', body: JSON.stringify({ plan, label }) }),
    revoke: (id) => call(z.undefined(), `/${id}`, { method: 'DELETE' }),
  };
}

function sentenceOf(body: unknown): string {
  const { data } = z.safeParse(problem, body);
  if (data === undefined) return 'That did not work. Try again later.';
  const fields = (data.errors ?? []).map(({ field, message }) => `${field}: ${message}`);
  return [`${data.title}.`, data.detail ?? '', ...fields].filter((part) => part !== '').join(' ');
}
