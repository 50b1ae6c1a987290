import { createHash } from 'node:crypto';

/** What a breach is told by; the metric of a rule that speaks of the whole sensor is `*`. */
export interface BreachKey {
  site: string;
  deviceId: string;
  metric: string;
  rule: string;
}

/** A breach as it truly was. Instants are epoch ms. */
export interface Breach extends BreachKey {
  startedAtMs: number;
  /** Null: it lasted when the readings ended. */
  endedAtMs: number | null;
  /** When it had lasted long enough to be told. */
  firedAtMs: number;
  /** When its end had lasted long enough to be told. */
  resolvedAtMs: number | null;
  /** So close to its delay that the timing of the machine decides whether it fires: found or not, both are right. */
  optional: boolean;
  /** It began before the clock was right: what was told at first is corrected by what is told last. */
  clockWasWrong?: boolean;
  /** Nobody could know its times: it was over before the clock was right, or its beginning was lost with a data directory. */
  untimed?: boolean;
}

/** Rules that a monitor watches, by name. */
const monitorRules = ['upper', 'lower', 'rate-of-change', 'stuck', 'no-data', 'ewma'];

/**
 * The key as an incident's `correlation_id` must hold it: four parts, percent-encoded, joined by `/`; longer than 100
 * characters the first 67, `~` and 32 hex digits of the SHA-256 of the whole.
 */
export function correlationIdOf({ site, deviceId, metric, rule }: BreachKey): string {
  const whole = `${encodeURIComponent(site)}/${encodeURIComponent(deviceId)}/${encodeURIComponent(metric)}/${rule}`;
  if (whole.length <= 100) return whole;
  return `${whole.slice(0, 67)}~${createHash('sha256').update(whole).digest('hex').slice(0, 32)}`;
}

/** The rule that a correlation id names; undefined where it was shortened, or is none of ours. */
export function ruleIn(correlationId: string): string | undefined {
  const parts = correlationId.split('/');
  const rule = parts[3];
  return parts.length === 4 && (isMonitorRule(rule) || isHandlerRule(rule)) ? rule : undefined;
}

/** Whether a correlation id has the form of one that the edge writes. */
export function isCorrelationId(text: string): boolean {
  return ruleIn(text) !== undefined || /^.{67}~[0-9a-f]{32}$/.test(text);
}

function isMonitorRule(rule: string | undefined): boolean {
  return rule !== undefined && monitorRules.includes(rule);
}

/** Rules of breaches that the handler raises itself. */
export function isHandlerRule(rule: string | undefined): boolean {
  return rule === 'device-silent' || rule === 'broker-silent' || rule === 'storm';
}
