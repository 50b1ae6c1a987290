import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AnomalyMessage } from '../../device/anomaly/anomaly.ts';
import type { Config } from '../../device/config/schema.ts';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import type { ServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';
import { audit, strictPolicy } from '../audit/audit.ts';
import { attachmentRow, incidentRow, journalRow } from '../audit/incidents.ts';
import { type AuditSettings, settingsOf } from '../audit/settings.ts';
import { breachesIn } from '../audit/truth.ts';
import { type Summary, summaryOf } from './summary.ts';
import type { ReadingTrace } from './trace.ts';

/** Stamps of incidents are readings' stamps; a timer of this machine may be late by so much. */
const timerSlackMs = 1_000;

/** What the audit has to know of a run with this configuration. */
export function auditSettingsOf(config: Config): AuditSettings {
  const exact = config.sensor.kind === 'replay';
  return settingsOf(config, { toleranceMs: 0, timerSlackMs: exact ? 0 : timerSlackMs });
}

/** Kept beside the readings, so that `npm run audit` can judge the run later. */
export function keepAuditSettings(dataDir: string, settings: AuditSettings): void {
  writeFileSync(join(dataDir, 'audit-settings.json'), `${JSON.stringify(settings, undefined, 2)}\n`, { mode: 0o600 });
}

export interface OutcomeInput {
  settings: AuditSettings;
  trace: ReadingTrace;
  serviceNow: ServiceNow;
  readings: Summary['readings'];
  anomalies: Iterable<AnomalyMessage>;
  /** Event time up to which all that happened is delivered, epoch ms. */
  settledUntilMs: number;
  /** Event time now. */
  nowMs: number;
}

/** The summary of a run, judged by the audit against all readings of its data folder. */
export function outcomeOf(input: OutcomeInput): Summary {
  const { settings, trace, serviceNow } = input;
  const rows = serviceNow.rows('incident').map((row) => incidentRow.parse(row));
  const journal = serviceNow
    .rows('sys_journal_field')
    .filter((row) => row['element'] === 'work_notes')
    .map((row) => journalRow.parse(row));
  const result = audit({
    rows: rows.filter((row) => row.correlation_id !== ''),
    journal,
    attachments: serviceNow.rows('sys_attachment').map((row) => attachmentRow.parse(row)),
    breaches: breachesIn(trace.readings(), settings.rules, {
      watchedUntilMs: input.nowMs,
      downtimes: trace.downtimes(),
      timerSlackMs: settings.timerSlackMs,
    }),
    policy: {
      ...strictPolicy,
      handlerRules: ['device-silent', 'broker-silent', 'storm'],
      toleranceMs: settings.toleranceMs,
      settledUntilMs: input.settledUntilMs,
      quietMs: settings.quietMs,
      onRecovery: settings.onRecovery,
      people: true,
    },
  });
  const workNotes = new Map<string, string[]>();
  for (const { element_id, value } of journal) workNotes.set(element_id, [...(workNotes.get(element_id) ?? []), value]);
  return summaryOf({ readings: input.readings, anomalies: input.anomalies, rows, workNotes, audit: result });
}

/** @throws AppError `summary-not-written` */
export function writeSummary(file: string, summary: Summary): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(summary, undefined, 2)}\n`);
  } catch (error) {
    throw new AppError(
      'summary-not-written',
      `Cannot write the summary ${file}: ${messageOf(error)}. Choose another file with --summary.`,
      { cause: error },
    );
  }
}
