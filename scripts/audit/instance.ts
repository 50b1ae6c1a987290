import { z } from 'zod';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import {
  type AttachmentRow,
  attachmentRow,
  type IncidentRow,
  incidentRow,
  type JournalRow,
  journalRow,
} from './incidents.ts';

export interface InstanceOptions {
  /** Base URL, e.g. https://dev1.service-now.com. */
  url: string;
  username: string;
  password: string;
  /** Default `incident`. */
  table?: string;
  /** Records that one request asks for; default 1,000. */
  pageSize?: number;
  timeoutMs?: number;
}

export interface InstanceRecords {
  rows: IncidentRow[];
  journal: JournalRow[];
  attachments: AttachmentRow[];
}

/**
 * Reads all that an audit needs over the Table API, page by page: incidents with a correlation id, their work notes and
 * their attachments. What an answer holds beyond what was asked is left out; a record that two pages show counts once.
 * @throws AppError `instance-unreachable`, `instance-refuses`, `instance-unreadable`
 */
export async function readInstance(options: InstanceOptions): Promise<InstanceRecords> {
  const { table = 'incident' } = options;
  const rows = await readAll(options, table, 'correlation_idISNOTEMPTY', incidentRow);
  const [journal, attachments] = await Promise.all([
    readAll(options, 'sys_journal_field', `name=${table}^element=work_notes`, journalRow),
    readAll(options, 'sys_attachment', `table_name=${table}`, attachmentRow),
  ]);
  const known = new Set(rows.map((row) => row.sys_id));
  return {
    rows: rows.filter((row) => row.correlation_id !== ''),
    journal: journal.filter((entry) => known.has(entry.element_id)),
    attachments: attachments.filter((file) => known.has(file.table_sys_id)),
  };
}

async function readAll<T extends { sys_id: string }>(
  options: InstanceOptions,
  table: string,
  query: string,
  schema: z.ZodObject & z.ZodType<T>,
): Promise<T[]> {
  const { pageSize = 1_000 } = options;
  const found = new Map<string, T>();
  for (let offset = 0; ; offset += pageSize) {
    const page = await readPage(options, table, query, schema, offset, pageSize);
    for (const record of page) found.set(record.sys_id, record);
    if (page.length < pageSize) return [...found.values()];
  }
}

async function readPage<T>(
  { url, username, password, timeoutMs = 30_000 }: InstanceOptions,
  table: string,
  query: string,
  schema: z.ZodObject & z.ZodType<T>,
  offset: number,
  limit: number,
): Promise<T[]> {
  const parameters = new URLSearchParams({
    sysparm_query: `${query}^ORDERBYsys_created_on^ORDERBYsys_id`,
    sysparm_fields: Object.keys(schema.shape).join(','),
    sysparm_exclude_reference_link: 'true',
    sysparm_limit: String(limit),
    sysparm_offset: String(offset),
  });
  const where = `${url.replace(/\/+$/, '')}/api/now/table/${table}`;
  let response: Response;
  let body: string;
  try {
    response = await fetch(`${where}?${parameters}`, {
      headers: {
        accept: 'application/json',
        authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
      },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    body = await response.text();
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    throw new AppError(
      'instance-unreachable',
      `Cannot read ${where}: ${cause}. Is the instance running, and the URL right?`,
      {
        cause: error,
      },
    );
  }
  if (!response.ok) {
    throw new AppError(
      'instance-refuses',
      `${where} answers ${response.status}: the audit's user (${username}) needs the right to read table ${table}; check its password and roles.`,
    );
  }
  const parsed = z.object({ result: z.array(schema) }).safeParse(jsonOf(body));
  if (parsed.success) return parsed.data.result;
  throw new AppError(
    'instance-unreadable',
    `${where} does not answer with records as JSON (hibernating instance, or a proxy between?): ${z.prettifyError(parsed.error)}`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
