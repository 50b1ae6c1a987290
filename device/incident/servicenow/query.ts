import { readFields, sysId } from './schema.ts';

/** The whole notes history comes only with display values; times and states are read from the values beside them. */
function readParameters(occurrenceField: string): Record<string, string> {
  return {
    sysparm_display_value: 'all',
    sysparm_exclude_reference_link: 'true',
    sysparm_fields: [...new Set([...readFields, occurrenceField])].join(','),
  };
}

/** Parameters of a write whose answer is the record. Dates would be read in the user's time zone, so never display input. */
export function writeParameters(occurrenceField: string): URLSearchParams {
  return new URLSearchParams({ ...readParameters(occurrenceField), sysparm_input_display_value: 'false' });
}

function listParameters(query: string, limit: number, occurrenceField: string): URLSearchParams {
  return new URLSearchParams({
    sysparm_query: `${query}^ORDERBYDESCsys_created_on`,
    ...readParameters(occurrenceField),
    sysparm_limit: String(limit),
    sysparm_no_count: 'true',
    sysparm_suppress_pagination_header: 'true',
  });
}

/** Rows of these keys in any state, and these rows. At least one of both. */
export function findParameters(
  asked: { correlationIds: readonly string[]; sysIds: readonly string[]; limit: number },
  occurrenceField: string,
): URLSearchParams {
  const groups = [
    ...(asked.correlationIds.length > 0 ? [`correlation_idIN${asked.correlationIds.map(checkedCorrelation)}`] : []),
    ...(asked.sysIds.length > 0 ? [`sys_idIN${asked.sysIds.map(checkedSysId)}`] : []),
  ];
  return listParameters(groups.join('^NQ'), asked.limit, occurrenceField);
}

/** Rows in no final state whose key starts with `prefix`, and these rows. */
export function findOpenParameters(
  asked: { prefix: string; sysIds: readonly string[]; limit: number },
  occurrenceField: string,
): URLSearchParams {
  const open = `stateNOT IN6,7,8^correlation_idSTARTSWITH${checkedCorrelation(asked.prefix)}`;
  const groups = [open, ...(asked.sysIds.length > 0 ? [`sys_idIN${asked.sysIds.map(checkedSysId)}`] : [])];
  return listParameters(groups.join('^NQ'), asked.limit, occurrenceField);
}

/** Keys are percent-encoded, so that nothing in them ends a condition or a list. */
function checkedCorrelation(text: string): string {
  if (!/^[\w\-.!~*'()%/]+$/.test(text))
    throw new Error(`not a percent-encoded correlation id: ${JSON.stringify(text)}`);
  return text;
}

export function checkedSysId(text: string): string {
  return sysId.parse(text);
}

/**
 * Instances compare without regard to case, keys do not: rows of a key that differs from the asked ones in case alone
 * are not of it. All other rows stay, asked for or not.
 */
export function withoutOtherCase<T extends { correlationId: string; sysId: string }>(
  rows: readonly T[],
  asked: { correlationIds: readonly string[]; sysIds: readonly string[] },
): T[] {
  const exact = new Set(asked.correlationIds);
  const folded = new Set(asked.correlationIds.map((id) => id.toLowerCase()));
  const known = new Set(asked.sysIds);
  return rows.filter(
    (row) => exact.has(row.correlationId) || known.has(row.sysId) || !folded.has(row.correlationId.toLowerCase()),
  );
}
