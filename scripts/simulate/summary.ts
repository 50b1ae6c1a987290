import { z } from 'zod';
import type { AnomalyMessage } from '../../device/anomaly/anomaly.ts';
import type { AuditResult } from '../audit/audit.ts';
import { ruleIn } from '../audit/breach.ts';
import { type IncidentRow, stateName } from '../audit/incidents.ts';
import { counted } from './view/words.ts';

const count = z.number().int().min(0);
const instant = z.iso.datetime();

/** What `npm start -- --summary FILE` writes, for scripts. Instants are ISO 8601 UTC. */
export const summarySchema = z.object({
  readings: z.object({ read: count, published: count, failed: count }),
  anomalies: z.array(
    z.object({
      id: z.string(),
      metric: z.string(),
      rule: z.string(),
      startedAt: instant,
      /** Null while it lasts. */
      endedAt: instant.nullable(),
      peak: z.number().nullable(),
    }),
  ),
  incidents: z.array(
    z.object({
      number: z.string(),
      metric: z.string(),
      rule: z.string(),
      /** As ServiceNow shows it: New, In Progress, On Hold, Resolved, Closed, Canceled. */
      state: z.string(),
      /** Of its first breach. */
      startedAt: instant.nullable(),
      /** Of its last breach; null while one lasts. */
      endedAt: instant.nullable(),
      resolvedAt: instant.nullable(),
    }),
  ),
  lost: count,
  duplicates: count,
});

export type Summary = z.infer<typeof summarySchema>;

export interface SummaryInput {
  readings: { read: number; published: number; failed: number };
  /** Every anomaly message of the run, in order; of one occurrence the latest counts. */
  anomalies: Iterable<Pick<AnomalyMessage, 'id' | 'metric' | 'rule' | 'startedAt' | 'endedAt' | 'peak'>>;
  rows: readonly IncidentRow[];
  /** Texts of the work notes by sys_id of their incident. */
  workNotes: ReadonlyMap<string, readonly string[]>;
  audit: Pick<AuditResult, 'lost' | 'duplicates'>;
}

export function summaryOf({ readings, anomalies, rows, workNotes, audit }: SummaryInput): Summary {
  const latest = new Map<string, Summary['anomalies'][number]>();
  for (const { id, metric, rule, startedAt, endedAt, peak } of anomalies) {
    latest.set(id, { id, metric, rule, startedAt, endedAt, peak });
  }
  return {
    readings: { ...readings },
    anomalies: [...latest.values()],
    incidents: rows
      .filter((row) => row.correlation_id !== '')
      .map((row) => ({
        number: row.number,
        ...metricAndRule(row.correlation_id),
        state: stateName(row.state),
        ...timesIn([row.description, ...(workNotes.get(row.sys_id) ?? []), row.close_notes]),
        resolvedAt: row.resolved_at === '' ? null : isoOf(row.resolved_at),
      })),
    lost: audit.lost.length,
    duplicates: audit.duplicates.length,
  };
}

/** Of a key that was shortened only so much is known as its first 67 characters hold. */
function metricAndRule(correlationId: string): { metric: string; rule: string } {
  const metric = correlationId.split('/')[2]?.split('~')[0] ?? '';
  try {
    return { metric: decodeURIComponent(metric), rule: ruleIn(correlationId) ?? '' };
  } catch {
    return { metric, rule: ruleIn(correlationId) ?? '' };
  }
}

const linePattern = /^breach ([0-9a-f]{32}) start=(\S+) end=(\S+)\r?$/gm;

/** First start and last end of the breaches that these texts tell of. */
function timesIn(texts: readonly string[]): { startedAt: string | null; endedAt: string | null } {
  const ends = new Map<string, string | null>();
  let startedAt: string | null = null;
  for (const text of texts) {
    for (const [, id = '', start = '', end = ''] of text.matchAll(linePattern)) {
      if (startedAt === null || Date.parse(start) < Date.parse(startedAt)) startedAt = start;
      ends.set(id, end === '-' ? (ends.get(id) ?? null) : end);
    }
  }
  const all = [...ends.values()];
  const known = all.filter((end) => end !== null);
  const lasts = all.length === 0 || known.length < all.length;
  return { startedAt, endedAt: lasts ? null : known.reduce((a, b) => (Date.parse(a) >= Date.parse(b) ? a : b)) };
}

/** An instant as an instance writes it (`yyyy-MM-dd HH:mm:ss`, UTC). */
function isoOf(instanceTime: string): string | null {
  const atMs = Date.parse(`${instanceTime.replace(' ', 'T')}Z`);
  return Number.isNaN(atMs) ? null : new Date(atMs).toISOString();
}

/** The summary in words, for the end of a run. */
export function summaryLines(summary: Summary): string[] {
  const { readings, anomalies, incidents, lost, duplicates } = summary;
  const states = new Map<string, number>();
  for (const { state } of incidents) states.set(state, (states.get(state) ?? 0) + 1);
  const byState = [...states].map(([state, number]) => `${number} ${state}`).join(', ');
  return [
    `${readings.read} readings, ${readings.published} published, ${readings.failed} failed; ${counted(anomalies.length, 'breach', 'breaches')}.`,
    `${counted(incidents.length, 'incident')}${byState === '' ? '' : ` (${byState})`}.`,
    lost === 0 && duplicates === 0
      ? 'Audit: nothing lost, nothing twice.'
      : `Audit: ${lost} lost, ${duplicates} twice. Have a closer look with npm run audit.`,
  ];
}
