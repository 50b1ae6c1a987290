import { styleText } from 'node:util';
import type { CheckReport, CheckResult } from './check.ts';

export interface Layout {
  colour: boolean;
  /** Columns of the terminal; undefined where there is none, so lines are not broken. */
  width: number | undefined;
}

const marks = {
  ok: { mark: '✓', colour: 'green' },
  warn: { mark: '!', colour: 'yellow' },
  fail: { mark: '✗', colour: 'red' },
  skip: { mark: '·', colour: 'gray' },
} as const satisfies Record<CheckResult, { mark: string; colour: string }>;

const indent = '  ';
const narrowest = 40;

/** What was found, by topic, for a person. */
export function renderReport(reports: readonly CheckReport[], { colour, width }: Layout): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const nameWidth = Math.max(...reports.map(({ name }) => name.length));
  const hanging = indent.length + 2 + nameWidth + 2;
  const room = Math.max(narrowest, (width ?? Number.POSITIVE_INFINITY) - hanging);
  const lines: string[] = [];
  for (const topic of new Set(reports.map((report) => report.topic))) {
    lines.push('', paint('bold', topic));
    for (const { name, result, found, todo } of joined(reports.filter((report) => report.topic === topic))) {
      const { mark, colour: hue } = marks[result];
      const [first = '', ...rest] = wrap(found, room).map((line) => (result === 'skip' ? paint('gray', line) : line));
      const label = name.padEnd(nameWidth);
      lines.push(`${indent}${paint(hue, mark)} ${result === 'skip' ? paint('gray', label) : label}  ${first}`);
      const advice = todo === undefined ? [] : wrap(`→ ${todo}`, room).map((line) => paint('cyan', line));
      lines.push(...[...rest, ...advice].map((line) => `${' '.repeat(hanging)}${line}`));
    }
  }
  const failed = countOf(reports).fail > 0;
  lines.push('', paint(failed ? ['bold', 'red'] : ['bold', 'green'], verdict(reports)), '');
  return lines.join('\n');
}

/** So many checks that were skipped one after another for one reason are one line. */
const leastJoined = 3;

function joined(reports: readonly CheckReport[]): CheckReport[] {
  const lines: CheckReport[] = [];
  for (let at = 0; at < reports.length; ) {
    const run = sameSkips(reports.slice(at));
    const [first] = run;
    if (first === undefined) break;
    if (run.length < leastJoined) lines.push(...run);
    else {
      const found = `${first.found} (${run.map(({ name }) => name).join(', ')})`;
      lines.push({ ...first, name: `${run.length} checks`, found });
    }
    at += run.length;
  }
  return lines;
}

/** The first report, with those behind it that are skipped for the same reason. */
function sameSkips(reports: readonly CheckReport[]): readonly CheckReport[] {
  const [first] = reports;
  const end = reports.findIndex(({ result, found }) => result !== 'skip' || found !== first?.found);
  return reports.slice(0, end === -1 ? reports.length : Math.max(end, 1));
}

/** The same for programs. */
export function reportJson(reports: readonly CheckReport[]): string {
  const counts = countOf(reports);
  return JSON.stringify({ ok: counts.fail === 0, counts, checks: reports }, undefined, 2);
}

export function countOf(reports: readonly CheckReport[]): Record<CheckResult, number> {
  const counts = { ok: 0, warn: 0, fail: 0, skip: 0 };
  for (const { result } of reports) counts[result] += 1;
  return counts;
}

function verdict(reports: readonly CheckReport[]): string {
  const { ok, warn, fail, skip } = countOf(reports);
  const numbers = `${ok} ok, ${warn} to look at, ${fail} failed, ${skip} not checked`;
  if (fail > 0) return `Not ready: ${numbers}.`;
  return warn > 0 ? `Ready, with doubts: ${numbers}.` : `Ready: ${numbers}.`;
}

/**
 * Lines of at most `room` characters, broken at spaces; a longer word (a path, a command's word) stays whole, and so does
 * a line that is indented: something to copy.
 */
function wrap(text: string, room: number): string[] {
  return text.split('\n').flatMap((line) => (line.startsWith(' ') ? [line] : wrapLine(line, room)));
}

function wrapLine(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
