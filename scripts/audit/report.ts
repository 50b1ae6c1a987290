import type { AuditResult } from './audit.ts';
import { type Breach, correlationIdOf } from './breach.ts';

const iso = (ms: number | null | undefined) =>
  ms === null || ms === undefined ? '-' : Number.isNaN(ms) ? 'no time' : new Date(ms).toISOString();

const span = (breach: Breach) =>
  `${correlationIdOf(breach)}  ${iso(breach.startedAtMs)} – ${breach.endedAtMs === null ? 'lasts' : iso(breach.endedAtMs)}`;

const list = (times: readonly number[]) => (times.length === 0 ? 'none' : times.map(iso).join(', '));

const counted = (count: number, noun: string, plural = `${noun}s`) => `${count} ${count === 1 ? noun : plural}`;

/** Control characters of stored texts never reach a terminal. */
const printable = (text: string) => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '�');

/** What an audit found, as lines for people: one for each check, and one for each finding. */
export function report(result: AuditResult): string {
  const checks: readonly (readonly [name: string, found: readonly string[]])[] = [
    ['lost breaches', result.lost.map(span)],
    [
      'told twice',
      result.duplicates.map(
        ({ key, startedAtMs, numbers, what }) =>
          `${key}${startedAtMs === null ? '' : `  ${iso(startedAtMs)}`}  ${numbers.join(', ')}: ${what}`,
      ),
    ],
    [
      'wrong times',
      result.wrongTimes.map(
        ({ breach, numbers, startsMs, endsMs }) =>
          `${numbers.join(', ')}  ${span(breach)}; told: from ${list(startsMs)} to ${list(endsMs)}`,
      ),
    ],
    ['wrongly open', result.wronglyOpen.map(({ number, state, what }) => `${number} is ${state}: ${what}`)],
    ['wrongly resolved', result.wronglyResolved.map(({ number, state, what }) => `${number} is ${state}: ${what}`)],
    [
      'without a breach',
      result.withoutBreach.map(
        ({ numbers, key, occurrenceId }) => `${numbers.join(', ')}  ${key}  ${occurrenceId ?? 'names none'}`,
      ),
    ],
    ['doubled notes', result.doubledNotes.map(({ number, what }) => `${number}  ${what}`)],
    ['doubled attachments', result.doubledAttachments.map(({ number, what }) => `${number}  ${what}`)],
    ['wrong order', result.orderViolations.map(({ number, what }) => `${number}  ${what}`)],
  ];
  const { breaches, incidents, findings } = result.summary;
  const underway = result.underway.length === 0 ? '' : `, ${result.underway.length} still under way`;
  const lines = [
    `${counted(breaches, 'breach', 'breaches')}${underway}, ${counted(incidents, 'incident')}`,
    ...checks.flatMap(([name, found]) => [
      `${found.length === 0 ? 'ok  ' : 'BAD '} ${name.padEnd(20)} ${found.length}`,
      ...found.map((one) => `       ${one}`),
    ]),
    findings === 0
      ? 'Every breach is in exactly one incident, with its true times.'
      : `${counted(findings, 'finding')}.`,
  ];
  return lines.map(printable).join('\n');
}
