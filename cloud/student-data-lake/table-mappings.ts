import type { AllowedColumns } from './contract.ts';

/**
 * Which tables and columns a replication task copies: what the allow-list names, and nothing else. A column that is added at
 * the source is left there, as only `include-column` lets one through.
 * Source: "Table-mapping rules and actions" of the AWS DMS user guide.
 */
export function tableMappings(schemaName: string, allowed: AllowedColumns): { rules: object[] } {
  const tables = Object.entries(allowed);
  const selections = tables.map(([tableName]) => ({
    'rule-type': 'selection',
    'object-locator': { 'schema-name': schemaName, 'table-name': tableName },
    'rule-action': 'include',
  }));
  const columns = tables.flatMap(([tableName, names]) =>
    names.map((columnName) => ({
      'rule-type': 'transformation',
      'rule-target': 'column',
      'object-locator': { 'schema-name': schemaName, 'table-name': tableName, 'column-name': columnName },
      'rule-action': 'include-column',
    })),
  );
  return {
    rules: [...selections, ...columns].map((rule, place) => ({
      ...rule,
      'rule-id': String(place + 1),
      'rule-name': `allowed-${place + 1}`,
    })),
  };
}
