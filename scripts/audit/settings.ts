import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import type { RuleParameters } from './truth.ts';

const ms = z.number().min(0);

/** What an audit must know of a run besides its readings: a JSON file that `npm start` leaves in its data folder. */
export const auditSettings = z.object({
  rules: z.array(
    z.discriminatedUnion('rule', [
      z.object({
        rule: z.enum(['upper', 'lower']),
        metric: z.string().min(1),
        limit: z.number(),
        deadband: z.number().min(0).default(0),
        onDelayMs: ms.default(0),
        offDelayMs: ms.default(0),
      }),
      z.object({ rule: z.literal('no-data'), noDataAfterMs: ms }),
    ]),
  ),
  quietMs: ms.default(0),
  onRecovery: z.enum(['resolve', 'note']).default('resolve'),
  toleranceMs: ms.default(0),
  timerSlackMs: ms.default(0),
  /** Since when the readings are known, epoch ms: what began before is not judged; absent: from the beginning. */
  sinceMs: z.number().optional(),
  /** Event time up to which the run had delivered everything when it ended, epoch ms; absent: all of it. */
  settledUntilMs: z.number().optional(),
});

export type AuditSettings = z.infer<typeof auditSettings>;

/** The part of a configuration that decides what a breach is and when its incident is resolved. */
export interface AuditedConfig {
  thresholds: Readonly<
    Record<
      string,
      {
        upper?: number | undefined;
        lower?: number | undefined;
        deadband?: number | undefined;
        onDelayMs: number;
        offDelayMs: number;
      }
    >
  >;
  noData: { enabled: boolean; afterMs: number };
  handler: { quietMs: number; onRecovery: 'resolve' | 'note' };
}

/** Deadbands where the configuration gives none, by metric. */
const usualDeadband = new Map([
  ['temperature', 0.5],
  ['humidity', 2],
]);

export function settingsOf(
  { thresholds, noData, handler }: AuditedConfig,
  given: { toleranceMs: number; timerSlackMs: number },
): AuditSettings {
  const rules: RuleParameters[] = [];
  for (const [metric, { upper, lower, deadband = usualDeadband.get(metric) ?? 0, ...rest }] of Object.entries(
    thresholds,
  )) {
    const common = { metric, deadband, onDelayMs: rest.onDelayMs, offDelayMs: rest.offDelayMs };
    if (upper !== undefined) rules.push({ rule: 'upper', limit: upper, ...common });
    if (lower !== undefined) rules.push({ rule: 'lower', limit: lower, ...common });
  }
  if (noData.enabled) rules.push({ rule: 'no-data', noDataAfterMs: noData.afterMs });
  return { rules, quietMs: handler.quietMs, onRecovery: handler.onRecovery, ...given };
}

/** Where a run says nothing else: the product's defaults. */
export const defaultSettings: AuditSettings = settingsOf(
  {
    thresholds: {
      temperature: { upper: 30, onDelayMs: 60_000, offDelayMs: 0 },
      humidity: { upper: 50, onDelayMs: 60_000, offDelayMs: 0 },
    },
    noData: { enabled: true, afterMs: 60_000 },
    handler: { quietMs: 15 * 60_000, onRecovery: 'resolve' },
  },
  { toleranceMs: 0, timerSlackMs: 0 },
);

/** @throws AppError `settings-unreadable` */
export function readSettings(file: string): AuditSettings {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw unreadable(file, messageOf(error));
  }
  const parsed = auditSettings.safeParse(content);
  if (parsed.success) return parsed.data;
  throw unreadable(file, z.prettifyError(parsed.error));
}

const unreadable = (file: string, why: string) =>
  new AppError(
    'settings-unreadable',
    `Cannot use ${file}: ${why}. It must hold the rules of the run: {"rules":[{"rule":"upper","metric":…,"limit":…}],…}.`,
  );
