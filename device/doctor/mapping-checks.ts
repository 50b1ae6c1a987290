import type { Config } from '../config/schema.ts';
import type { DestinationFailure } from '../incident/destination.ts';
import { queryValue, type TableReader, type TableRow } from '../incident/servicenow/table-reader.ts';
import { type Check, type Finding, fail, ok, skip, warn } from './check.ts';

const topic = 'ServiceNow';
const needs = ['login'] as const;

export interface MappingCheckDeps {
  config: Pick<Config, 'site' | 'deviceId' | 'serviceNow'>;
  read: TableReader;
}

/** Whether what configuration writes into an incident's fields is there on the instance. */
export function mappingChecks({ config, read }: MappingCheckDeps): Check[] {
  const { table, fields, closeCode } = config.serviceNow;
  const reference = (name: string, field: string, target: Target): Check => ({
    name,
    topic,
    needs,
    run: () => ifSet(fields[field], field, config, (value) => referenceFinding(field, value, target, read)),
  });
  const choice = (
    name: string,
    field: string,
    configured = fields[field],
    option = `serviceNow.fields.${field}`,
  ): Check => ({
    name,
    topic,
    needs,
    run: () => ifSet(configured, field, config, (value) => choiceFinding({ table, field, value, option }, read)),
  });
  return [
    reference('assignment group', 'assignment_group', { table: 'sys_user_group', what: 'group', keys: ['name'] }),
    reference('caller', 'caller_id', { table: 'sys_user', what: 'user', keys: ['name', 'user_name'] }),
    reference('configuration item', 'cmdb_ci', { table: 'cmdb_ci', what: 'configuration item', keys: ['name'] }),
    choice('category', 'category'),
    choice('channel', 'contact_type'),
    choice('close code', 'close_code', closeCode, 'serviceNow.closeCode'),
  ];
}

/** Fills in what is the same for every breach of this device; the rest differs by breach and cannot be looked up. */
async function ifSet(
  configured: string | undefined,
  field: string,
  { site, deviceId }: Pick<Config, 'site' | 'deviceId'>,
  check: (value: string) => Promise<Finding>,
): Promise<Finding> {
  if (configured === undefined || configured === '') return skip(`serviceNow.fields.${field} is not set`);
  const value = configured.replaceAll('{site}', site).replaceAll('{device}', deviceId);
  if (/\{(metric|rule|severity)\}/.test(value)) return skip(`"${value}" differs by breach`);
  if (queryValue(value) === undefined) {
    return fail(`"${value}" cannot be looked up`, `Correct serviceNow.fields.${field}: no ^, no control characters.`);
  }
  return check(value);
}

interface Target {
  table: string;
  what: string;
  /** Fields by which people name a record; the first is the one that the instance takes besides a sys_id. */
  keys: readonly [string, ...string[]];
}

/** A reference is taken as sys_id or as display value; anything else is dropped or kept as an empty reference. */
async function referenceFinding(field: string, value: string, target: Target, read: TableReader): Promise<Finding> {
  const { table, what, keys } = target;
  const isSysId = /^[0-9a-f]{32}$/.test(value);
  const names = isSysId ? ['sys_id'] : keys;
  const query = names.map((name) => `${name}=${value}`).join('^OR');
  const answer = await read({ table, query, fields: ['sys_id', 'active', ...keys], limit: 20 });
  if (!answer.ok) return unreadable(answer, table);
  // An instance ignores a part of a query that it does not understand, and compares without regard to case.
  const same = (row: TableRow, name: string) => row[name]?.toLowerCase() === value.toLowerCase();
  const rows = answer.value.filter((row) => names.some((name) => same(row, name)));
  const [row] = rows;
  const option = `serviceNow.fields.${field}`;
  if (row === undefined && answer.value.length > 0) {
    const ignored = `the instance ignores the condition ${query}, so "${value}" is not checked`;
    return warn(ignored, `Check that the user may read the fields ${keys.join(' and ')} of ${table}.`);
  }
  if (row === undefined) return notFound(value, option, target, read);
  const display = row[keys[0]] ?? value;
  if (rows.length > 1) {
    return warn(
      `${rows.length} records of ${table} are called "${value}"; the instance takes one of them`,
      `Set ${option} to the sys_id of the right one, e.g. ${row['sys_id'] ?? ''}.`,
    );
  }
  if (!isSysId && !same(row, keys[0])) {
    return fail(`"${value}" is not the name of the ${what} but of "${display}"`, `--set ${option}="${display}"`);
  }
  if (row['active'] === 'false') return warn(`${what} "${display}" is inactive`, `Choose another one with ${option}.`);
  return ok(`"${display}"`);
}

/** Not there, or none of its table may be seen: an instance leaves out rows without a word. */
async function notFound(value: string, option: string, { table, what }: Target, read: TableReader): Promise<Finding> {
  const any = await read({ table, query: 'ORDERBYname', fields: ['sys_id'], limit: 1 });
  if (any.ok && any.value.length === 0) {
    return warn(
      `no record of ${table} is visible to this user, so "${value}" is not checked`,
      `Grant read on ${table}.`,
    );
  }
  return fail(`there is no ${what} "${value}"`, `Create it on the instance, or correct ${option}.`);
}

const mostListed = 12;

async function choiceFinding(
  asked: { table: string; field: string; value: string; option: string },
  read: TableReader,
): Promise<Finding> {
  const { table, field, value, option } = asked;
  const answer = await read({
    table: 'sys_choice',
    query: `nameIN${table},task^element=${field}^inactive=false`,
    fields: ['name', 'element', 'value', 'label', 'inactive'],
    limit: 500,
  });
  if (!answer.ok) return unreadable(answer, 'sys_choice');
  const listed = answer.value.filter((row) => row['element'] === field && row['inactive'] !== 'true');
  // Choices of the table itself take the place of those of the one that it extends.
  const own = listed.filter((row) => row['name'] === table);
  const choices = own.length > 0 ? own : listed.filter((row) => row['name'] === 'task');
  if (choices.length === 0) {
    return warn(
      `no choices of ${field} are visible to this user, so "${value}" is not checked`,
      'Grant read on sys_choice.',
    );
  }
  const found = choices.find((row) => row['value'] === value);
  if (found !== undefined) return ok(found['label'] === value ? `"${value}"` : `"${value}" (${found['label']})`);
  const meant = choices.find((row) => row['label']?.toLowerCase() === value.toLowerCase());
  if (meant !== undefined) {
    return fail(`"${value}" is a label; its value is "${meant['value']}"`, `--set ${option}="${meant['value']}"`);
  }
  const values = [...new Set(choices.map((row) => row['value'] ?? ''))];
  const more = values.length > mostListed ? ', …' : '';
  return fail(
    `${field} has no choice "${value}"`,
    `Set ${option} to one of: ${values.slice(0, mostListed).join(', ')}${more}`,
  );
}

function unreadable(failure: DestinationFailure, table: string): Finding {
  const found = `${table} cannot be read: ${failure.message.replace(/\.$/, '')}`;
  return warn(found, `Grant the user read on ${table}, or check the value by hand.`);
}
