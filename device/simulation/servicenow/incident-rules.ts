import type { Row } from './tables.ts';

/** What the instance itself does to an incident at a write. */
/** `mandatory`: label of the field that a data policy wants. */
export type RuleResult = { ok: true; changes: Row } | { ok: false; mandatory: string };

/** (impact, urgency) → priority, the lookup of a stock instance; anything else is 5. */
const priorities: Readonly<Record<string, string>> = {
  '11': '1',
  '12': '2',
  '13': '3',
  '21': '2',
  '22': '3',
  '23': '4',
  '31': '3',
  '32': '4',
  '33': '5',
};

const resolved = '6';
const closed = '7';
const canceled = '8';

/**
 * Completes a write of an incident: state and incident_state mirror each other, priority follows impact and urgency,
 * resolving and closing leave who and when, reopening takes that back. Refuses a resolution without its close fields.
 * @param before the stored record; for a new one its initial values
 * @param changes the fields that the client writes
 */
export function applyIncidentRules(
  before: Row,
  changes: Row,
  context: { now: string; userSysId: string; isNew: boolean },
): RuleResult {
  const written = { ...changes };
  const state = written['state'] ?? written['incident_state'] ?? before['state'] ?? '1';
  written['state'] = state;
  written['incident_state'] = state;
  const value = (field: string) => written[field] ?? before[field] ?? '';
  const initially = (field: string, initial: string) => {
    if (value(field) === '') written[field] = initial;
  };

  written['priority'] = priorities[`${value('impact')}${value('urgency')}`] ?? '5';
  written['active'] = state === closed || state === canceled ? 'false' : 'true';
  if (context.isNew) {
    initially('opened_at', context.now);
    initially('opened_by', context.userSysId);
  }
  if (state === resolved || state === closed) {
    const missing =
      value('close_code') === '' ? 'Resolution code' : value('close_notes') === '' ? 'Resolution notes' : undefined;
    if (missing !== undefined) return { ok: false, mandatory: missing };
    initially('resolved_at', context.now);
    initially('resolved_by', context.userSysId);
  }
  if (state === closed || state === canceled) {
    initially('closed_at', context.now);
    initially('closed_by', context.userSysId);
  }
  const wasEnded = [resolved, closed, canceled].includes(before['state'] ?? '');
  if (wasEnded && ![resolved, closed, canceled].includes(state)) {
    for (const field of ['resolved_at', 'resolved_by', 'closed_at', 'closed_by']) written[field] = '';
    written['reopen_count'] = String(Number(before['reopen_count'] ?? '0') + 1);
  }
  if (
    !context.isNew &&
    written['assignment_group'] !== undefined &&
    written['assignment_group'] !== before['assignment_group']
  ) {
    written['reassignment_count'] = String(Number(before['reassignment_count'] ?? '0') + 1);
  }
  return { ok: true, changes: written };
}
