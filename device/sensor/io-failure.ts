import { codeOf, messageOf } from '../platform/errors.ts';
import type { ReadResult, SensorFaultReason } from './sensor.ts';

export type Failure = Extract<ReadResult, { ok: false }>;

const reasons: Readonly<Record<string, SensorFaultReason>> = {
  ENOENT: 'not-found',
  ENODEV: 'not-found',
  ENXIO: 'not-found',
  EACCES: 'no-permission',
  EPERM: 'no-permission',
  EBUSY: 'busy',
  EAGAIN: 'not-ready',
  ETIMEDOUT: 'timeout',
};

/** What a system error says about a sensor; what is not in the table is an I/O error. */
export function ioFailure(
  what: string,
  error: unknown,
  advice: Partial<Record<SensorFaultReason, string>> = {},
): Failure {
  const reason = reasons[codeOf(error) ?? ''] ?? 'io-error';
  const hint = advice[reason];
  return { ok: false, reason, message: `${what}: ${messageOf(error)}.${hint === undefined ? '' : ` ${hint}`}` };
}
