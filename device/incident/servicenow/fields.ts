import type { Config } from '../../config/schema.ts';
import type { IncidentChange, NewIncident } from '../destination.ts';
import { shorten } from '../texts/format.ts';
import { stateValues } from './schema.ts';

/** The table's limits, in characters: it cuts longer values without an error. */
const shortDescriptionLimit = 160;
const longTextLimit = 4_000;

type Mapping = Pick<Config['serviceNow'], 'occurrenceField' | 'fields' | 'severity'>;

/** Values of a new incident's fields. What configuration adds never takes the place of what tells incidents apart. */
export function fieldsOfNew(incident: NewIncident, mapping: Mapping): Record<string, string> {
  return {
    ...filledTemplates(mapping.fields, incident),
    ...severityFields(incident.severity, mapping),
    short_description: shorten(incident.shortDescription, shortDescriptionLimit),
    description: shorten(incident.description, longTextLimit),
    work_notes: incident.workNotes,
    [mapping.occurrenceField]: incident.openedBy,
    correlation_id: incident.correlationId,
  };
}

/** Values of the fields that change, and of no others. */
export function fieldsOfChange(change: IncidentChange, mapping: Mapping): Record<string, string> {
  return {
    ...(change.severity === undefined ? {} : severityFields(change.severity, mapping)),
    ...given('short_description', change.shortDescription && shorten(change.shortDescription, shortDescriptionLimit)),
    ...given('description', change.description && shorten(change.description, longTextLimit)),
    ...(change.clearClose === true ? { close_code: '', close_notes: '' } : {}),
    ...given('close_code', change.closeCode),
    ...given('close_notes', change.closeNotes),
    ...given('state', change.state && stateValues[change.state]),
    ...given('work_notes', change.workNotes),
  };
}

function given(field: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [field]: value };
}

function severityFields(severity: NewIncident['severity'], mapping: Mapping): Record<string, string> {
  return { ...mapping.severity[severity] };
}

/** `{device}` and the like in configured values; other braces stay as they are. */
function filledTemplates(templates: Mapping['fields'], incident: NewIncident): Record<string, string> {
  const values: Readonly<Record<string, string>> = {
    site: incident.site,
    device: incident.deviceId,
    metric: incident.metric,
    rule: incident.rule,
    severity: incident.severity,
  };
  const fill = (template: string) => template.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
  return Object.fromEntries(Object.entries(templates).map(([field, template]) => [field, fill(template)]));
}
