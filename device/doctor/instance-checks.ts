import type { Config } from '../config/schema.ts';
import type { DestinationFailure, DestinationResult } from '../incident/destination.ts';
import type { ServiceNowConnection } from '../incident/servicenow/connection.ts';
import { networkFailure, refusal } from '../incident/servicenow/errors.ts';
import type { HttpOutcome } from '../incident/servicenow/http.ts';
import type { TableReader, TableRow } from '../incident/servicenow/table-reader.ts';
import { AppError } from '../platform/errors.ts';
import type { Time } from '../platform/time.ts';
import { type Check, type Finding, fail, ok, skip, warn } from './check.ts';

const topic = 'ServiceNow';

export interface InstanceCheckDeps {
  config: Config['serviceNow'];
  /** Throws AppError for a URL that cannot be. */
  connection: () => ServiceNowConnection;
  read: TableReader;
  time: Time;
}

/** Reachable, authorised, and able to see what it has created. */
export function instanceChecks({ config, connection, read, time }: InstanceCheckDeps): Check[] {
  const { table, occurrenceField } = config;
  let answer: DestinationResult<TableRow[]> | undefined;
  const visible = (): TableRow[] => (answer?.ok === true ? answer.value : []);

  async function reach(): Promise<Finding> {
    try {
      const startedAtMs = time.monotonicMs();
      const url = `${connection().baseUrl}/api/now/table/${table}?sysparm_limit=1&sysparm_fields=sys_id`;
      const outcome = await connection().sendPlain({ method: 'GET', url, headers: { accept: 'application/json' } });
      return reachFinding(outcome, config, Math.round(time.monotonicMs() - startedAtMs), time.wallMs());
    } catch (error) {
      if (error instanceof AppError) return fail(error.message, 'Correct serviceNow.* in the configuration.');
      throw error;
    }
  }

  async function login(): Promise<Finding> {
    const fields = ['sys_id', 'number', 'correlation_id', occurrenceField];
    answer = await read({ table, query: 'ORDERBYDESCsys_created_on', fields, limit: 1 });
    return answer.ok ? ok(`the user may query ${table}`) : loginFailure(answer, table);
  }

  function sight(): Finding {
    const [row] = visible();
    if (row !== undefined) return ok(`${row['number'] ?? 'a record'} is visible`);
    return warn(
      `no record of ${table} is visible: the table is empty, or this user may create but not read`,
      'The doctor tells which with --write. Without the right to read there would be no exactly-one.',
    );
  }

  function fields(): Finding {
    const [row] = visible();
    if (row === undefined) return skip(`not checked: no record of ${table} is visible`);
    const missing = ['correlation_id', occurrenceField].filter((field) => !Object.hasOwn(row, field));
    if (missing.length === 0) return ok(`correlation_id and ${occurrenceField} are there`);
    return fail(
      `${table} has no field ${missing.join(' and no ')}, or this user may not read it`,
      'Set serviceNow.occurrenceField to a text field of at least 32 characters, and grant read on both.',
    );
  }

  return [
    { name: 'instance', topic, run: reach },
    { name: 'login', topic, needs: ['secret', 'instance'], run: login },
    { name: 'incidents', topic, needs: ['login'], run: sight },
    { name: 'key fields', topic, needs: ['login'], run: fields },
  ];
}

/** What codes of a connection that never stood mean; the others are TLS's and have sentences of their own. */
const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name cannot be resolved',
  EAI_AGAIN: 'the host name cannot be resolved now',
  TIMEOUT: 'no connection in time',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
};

function reachFinding(outcome: HttpOutcome, { url, table }: Config['serviceNow'], ms: number, wallMs: number): Finding {
  const checkUrl = `Check serviceNow.url: curl -sSI ${new URL(url).origin}`;
  const context = { what: url, addressesRecord: false, wallMs, redacted: (text: string) => text };
  if (outcome.kind === 'failed') {
    if (outcome.connected) return fail(`${url} gave no whole answer (${outcome.code})`, checkUrl);
    const meaning = unreachable[outcome.code];
    return fail(
      meaning === undefined ? withoutStop(networkFailure(outcome, context).message) : `${url}: ${meaning}`,
      checkUrl,
    );
  }
  // What a Table API says to somebody without credentials.
  const isAsked = outcome.status === 401 || outcome.status === 403;
  const refused = isAsked ? undefined : refusal(outcome, context);
  if (refused !== undefined) {
    const todo = /hibernat/.test(refused.message)
      ? 'Sign in at https://developer.servicenow.com and wake the instance.'
      : checkUrl;
    return fail(withoutStop(refused.message), todo);
  }
  const found = `${url} answers for table ${table} (${ms} ms)`;
  return isExposed(url) ? warn(`${found}; passwords travel unencrypted`, 'Use https:// in serviceNow.url.') : ok(found);
}

function loginFailure(failure: DestinationFailure, table: string): Finding {
  const found = withoutStop(failure.message);
  if (failure.kind !== 'refused-destination') return fail(found, 'Run it again; the log of the instance says more.');
  switch (failure.cause) {
    case 'unauthenticated':
      return fail(
        found,
        'Put the right user and password, or OAuth client, into the secret; an account may be locked.',
      );
    case 'forbidden':
      return fail(found, `Grant the user read and write on ${table}, e.g. by the role itil.`);
    case 'unusable':
      return fail(found, `Check serviceNow.url and serviceNow.table (${table}).`);
  }
}

function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, '');
}

function isExposed(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}
