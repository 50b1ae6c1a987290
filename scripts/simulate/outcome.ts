import { closeSync, existsSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { AnomalyMessage } from '../../device/anomaly/anomaly.ts';
import type { Config } from '../../device/config/schema.ts';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import type { ServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';
import { audit, strictPolicy } from '../audit/audit.ts';
import { attachmentRow, incidentRow, journalRow } from '../audit/incidents.ts';
import { type AuditSettings, readSettings, settingsOf } from '../audit/settings.ts';
import { breachesIn } from '../audit/truth.ts';
import { makeFolder } from './make-folder.ts';
import { type Summary, summaryOf } from './summary.ts';
import { type ReadingTrace, traceFile } from './trace.ts';

/** Stamps of incidents are readings' stamps; a timer of this machine may be late by so much. */
const timerSlackMs = 1_000;

/** What the audit has to know of a run with this configuration. */
export function auditSettingsOf(config: Config): AuditSettings {
  const exact = config.sensor.kind === 'replay';
  return settingsOf(config, { toleranceMs: 0, timerSlackMs: exact ? 0 : timerSlackMs });
}

const settingsFile = 'audit-settings.json';
/** A longer trace begins anew. */
const longestTraceBytes = 64_000_000;

/**
 * Settings for a run on this data folder, before its trace is opened. Readings of earlier runs are judged along with this
 * one's as long as the same rules hold; else the trace begins anew at `nowMs`, and the audit speaks only of what is since.
 * What was there stays beside it, as `*.1`.
 */
export function beginAudit(dataDir: string, settings: AuditSettings, nowMs: number): AuditSettings {
  const files = [traceFile, settingsFile].map((name) => join(dataDir, name)).filter((file) => existsSync(file));
  if (files.length === 0) return settings;
  const earlier = earlierSettings(dataDir);
  const trace = statSync(join(dataDir, traceFile), { throwIfNoEntry: false });
  const goesOn = trace !== undefined && trace.size <= longestTraceBytes;
  if (goesOn && earlier !== undefined && isDeepStrictEqual(judgedBy(earlier), judgedBy(settings))) {
    return earlier.sinceMs === undefined ? settings : { ...settings, sinceMs: earlier.sinceMs };
  }
  for (const file of files) renameSync(file, `${file}.1`);
  return { ...settings, sinceMs: nowMs };
}

function judgedBy({ rules, quietMs, onRecovery }: AuditSettings) {
  return { rules, quietMs, onRecovery };
}

/** Undefined where there are none that can be used: a run that was killed may have left half a file. */
function earlierSettings(dataDir: string): AuditSettings | undefined {
  try {
    return readSettings(join(dataDir, settingsFile));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return undefined;
  }
}

/** Kept beside the readings, so that `npm run audit` can judge the run later. */
export function keepAuditSettings(dataDir: string, settings: AuditSettings): void {
  writeFileSync(join(dataDir, settingsFile), `${JSON.stringify(settings, undefined, 2)}\n`, { mode: 0o600 });
}

export interface OutcomeInput {
  settings: AuditSettings;
  trace: ReadingTrace;
  serviceNow: Pick<ServiceNow, 'rows'>;
  readings: Summary['readings'];
  anomalies: Iterable<AnomalyMessage>;
  /** Event time up to which all that happened is delivered, epoch ms. */
  settledUntilMs: number;
  /** Event time until which silence says something, epoch ms. */
  watchedUntilMs: number;
}

/** The summary of a run, judged by the audit against the readings of its data folder. */
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
      watchedUntilMs: input.watchedUntilMs,
      downtimes: trace.downtimes(),
      timerSlackMs: settings.timerSlackMs,
    }),
    policy: {
      ...strictPolicy,
      handlerRules: ['device-silent', 'broker-silent', 'storm'],
      toleranceMs: settings.toleranceMs,
      sinceMs: settings.sinceMs ?? strictPolicy.sinceMs,
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

/** Found out at the start of a run, not at its end. The file is left as it was. @throws AppError `summary-not-written` */
export function checkSummaryFile(file: string): void {
  writing(file, () => {
    makeFolder(dirname(file));
    const isNew = !existsSync(file);
    closeSync(openSync(file, 'a'));
    if (isNew) rmSync(file);
  });
}

/** @throws AppError `summary-not-written` */
export function writeSummary(file: string, summary: Summary): void {
  writing(file, () => writeFileSync(file, `${JSON.stringify(summary, undefined, 2)}\n`));
}

function writing(file: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    throw new AppError(
      'summary-not-written',
      `Cannot write the summary ${file}: ${messageOf(error)}. Choose another file with --summary.`,
      { cause: error },
    );
  }
}
