import { useEffect, useState } from 'preact/hooks';
import { fieldOf, type InstanceApi, type Result, type Row } from './instance-api.ts';
import { usePage } from './page-context.tsx';

/** An incident with all that hangs on it, each list newest first. */
export interface IncidentRecord {
  incident: Row;
  journal: readonly Row[];
  audit: readonly Row[];
  attachments: readonly Row[];
  related: readonly Row[];
}

/** What is shown of one incident; older notes and changes are left out. */
const mostEntries = 500;
const mostRelated = 50;
const relatedFields = ['sys_id', 'number', 'short_description', 'state', 'priority', 'sys_updated_on'];

export const byNameQuery = (name: string) => `sys_id=${name}^ORnumber=${name}`;

async function readRecord(api: InstanceApi, name: string): Promise<Result<IncidentRecord>> {
  const found = await api.list('incident', { query: byNameQuery(name), limit: 1 });
  if (!found.ok) return found;
  const [incident] = found.value.rows;
  if (incident === undefined) {
    return { ok: false, reason: 'not-found', text: `There is no incident ${name}, or you may not see it.` };
  }
  const sysId = fieldOf(incident, 'sys_id').value;
  const list = (table: string, query: string, fields?: readonly string[]) =>
    api.list(table, {
      query,
      limit: fields === undefined ? mostEntries : mostRelated,
      ...(fields === undefined ? {} : { fields }),
    });
  const [journal, audit, attachments, related] = await Promise.all([
    list('sys_journal_field', `element_id=${sysId}^ORDERBYDESCsys_created_on`),
    list('sys_audit', `documentkey=${sysId}^ORDERBYDESCsys_created_on`),
    list('sys_attachment', `table_sys_id=${sysId}^ORDERBYDESCsys_created_on`),
    list('incident', relatedQuery(incident), relatedFields),
  ]);
  for (const answer of [journal, audit, attachments, related]) if (!answer.ok) return answer;
  const rowsOf = (answer: typeof journal) => (answer.ok ? answer.value.rows : []);
  return {
    ok: true,
    value: {
      incident,
      journal: rowsOf(journal),
      audit: rowsOf(audit),
      attachments: rowsOf(attachments),
      related: rowsOf(related),
    },
  };
}

/** Other incidents of the same key, its parent, its children and those on the same item. */
function relatedQuery(incident: Row): string {
  const sysId = fieldOf(incident, 'sys_id').value;
  const alternatives = [
    ['correlation_id', fieldOf(incident, 'correlation_id').value],
    ['sys_id', fieldOf(incident, 'parent_incident').value],
    ['parent_incident', sysId],
    ['cmdb_ci', fieldOf(incident, 'cmdb_ci').value],
  ].flatMap(([field = '', value = '']) => (value === '' || value.includes('^') ? [] : [`${field}=${value}`]));
  return `sys_id!=${sysId}^${alternatives.join('^OR')}^ORDERBYDESCnumber`;
}

/** Read anew whenever an incident was written. Undefined until it is there; a sentence where it is not. */
export function useIncidentRecord(name: string): { record: IncidentRecord | string | undefined; reread: () => void } {
  const { api, version, onRefused } = usePage();
  const [record, setRecord] = useState<IncidentRecord | string>();
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    let isLatest = true;
    const read = async () => {
      const answer = await readRecord(api, name);
      if (!isLatest) return;
      if (answer.ok) setRecord(answer.value);
      else if (answer.reason === 'not-found') setRecord(answer.text);
      else onRefused(answer);
    };
    void read();
    return () => {
      isLatest = false;
    };
  }, [api, name, version, asked]);
  return { record, reread: () => setAsked((before) => before + 1) };
}
