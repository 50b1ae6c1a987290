import * as z from 'zod/mini';

/** The Table API as the page uses it: with the cookie of its session, and the token of that session for writes. */
export interface InstanceApi {
  list(table: string, query: ListQuery): Promise<Result<{ rows: Row[]; total: number }>>;
  update(table: string, sysId: string, fields: Readonly<Record<string, string>>): Promise<Result<Row>>;
}

export interface ListQuery {
  /** Encoded query. */
  query: string;
  fields?: readonly string[];
  limit: number;
  offset?: number;
}

/** `text` is a sentence for the reader. */
export type Result<T> =
  | { ok: true; value: T }
  | { ok: false; reason: 'signed-out' | 'not-found' | 'failed'; text: string };

export interface Field {
  value: string;
  display: string;
}

/** A record by its fields, each with its stored value and what people read. */
export type Row = Readonly<Record<string, Field>>;

const noField: Field = { value: '', display: '' };

export const fieldOf = (row: Row | undefined, name: string): Field => row?.[name] ?? noField;

const fieldSchema = z.object({ value: z.string(), display_value: z.string() });
const rowSchema = z.record(z.string(), fieldSchema);
const failureSchema = z.object({ error: z.object({ message: z.string(), detail: z.nullable(z.string()) }) });

const toRow = (row: z.infer<typeof rowSchema>): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, { value, display_value }]) => [name, { value, display: display_value }]),
  );

export function createInstanceApi(userToken: string): InstanceApi {
  async function call(path: string, query: Record<string, string>, init: RequestInit = {}): Promise<Result<Answer>> {
    const parameters = new URLSearchParams({
      sysparm_display_value: 'all',
      sysparm_exclude_reference_link: 'true',
      ...query,
    });
    const headers = { Accept: 'application/json', 'Content-Type': 'application/json', 'X-UserToken': userToken };
    try {
      const response = await fetch(`/api/now/${path}?${parameters}`, { ...init, headers });
      const body: unknown = response.status === 204 ? {} : await response.json();
      return response.ok ? { ok: true, value: { response, body } } : refusalOf(response.status, body);
    } catch {
      return { ok: false, reason: 'failed', text: 'The instance does not answer. Check that it runs, then try again.' };
    }
  }

  return {
    async list(table, { query, fields, limit, offset = 0 }) {
      const answer = await call(`table/${table}`, {
        sysparm_query: query,
        sysparm_limit: String(limit),
        sysparm_offset: String(offset),
        ...(fields === undefined ? {} : { sysparm_fields: fields.join(',') }),
      });
      if (!answer.ok) return answer;
      const rows = rowsOf(answer.value.body);
      if (!rows.ok) return rows;
      const total = Number(answer.value.response.headers.get('x-total-count') ?? rows.value.length);
      return { ok: true, value: { rows: rows.value, total } };
    },
    async update(table, sysId, fields) {
      const init = { method: 'PATCH', body: JSON.stringify(fields) };
      const answer = await call(`table/${table}/${encodeURIComponent(sysId)}`, {}, init);
      return answer.ok ? rowOf(answer.value.body) : answer;
    },
  };
}

interface Answer {
  response: Response;
  body: unknown;
}

const unexpected: Result<never> = {
  ok: false,
  reason: 'failed',
  text: 'The instance answered something else than its Table API does. Load the page again.',
};

function rowsOf(body: unknown): Result<Row[]> {
  const parsed = z.object({ result: z.array(rowSchema) }).safeParse(body);
  return parsed.success ? { ok: true, value: parsed.data.result.map(toRow) } : unexpected;
}

function rowOf(body: unknown): Result<Row> {
  const parsed = z.object({ result: rowSchema }).safeParse(body);
  return parsed.success ? { ok: true, value: toRow(parsed.data.result) } : unexpected;
}

function refusalOf(status: number, body: unknown): Result<never> {
  if (status === 401) return { ok: false, reason: 'signed-out', text: 'Your session has ended. Log in again.' };
  if (status === 404)
    return { ok: false, reason: 'not-found', text: 'There is no such record, or you may not see it.' };
  const failure = failureSchema.safeParse(body);
  const { message, detail } = failure.success ? failure.data.error : { message: `Status ${status}`, detail: null };
  return { ok: false, reason: 'failed', text: detail === null ? message : `${message}: ${detail}` };
}
