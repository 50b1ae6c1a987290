import type { AnomalyMessage } from '../../anomaly/anomaly.ts';
import { clockTime, duration, plain, shorten } from '../texts/format.ts';
import { headline } from '../texts/headline.ts';
import { type Bounds, boundsOf } from './bounds.ts';
import { amount, compact, escaped, height, ink, plot, px, width } from './markup.ts';
import { type Point, readings } from './readings-line.ts';
import { linearScale, type Scale, timeTicks, valueRange, valueTicks } from './ticks.ts';

const severityInk = { low: '#52708f', medium: '#946200', high: '#c2410c', critical: '#b3001b' };

/** Instants that a calendar can show, ms either side of the epoch (ECMAScript's range of dates). */
const calendarMs = 8.64e15;
/** Least distance of two labels, px. */
const labelHeight = 16;
const edgeLabelWidth = 130;

/**
 * The readings around a breach as an SVG: limit and deadband, the span of the breach shaded, its start and end, the
 * furthest reading. Times are UTC. Text of others is escaped. Equal messages give equal text.
 */
export function breachSvg(message: AnomalyMessage): string {
  const points = message.window.filter(([atMs]) => Math.abs(atMs) < calendarMs).sort((a, b) => a[0] - b[0]);
  const bounds = boundsOf(message);
  const time = timeScale(message, points);
  const values = points.map(([, value]) => value);
  const [low, high] = valueRange(bounds === undefined ? values : [...values, bounds.limit, bounds.clears]);
  const value = linearScale(low, high, plot.bottom, plot.top);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans" font-size="13" fill="${ink.text}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    heading(message),
    grid(message, time, value),
    span(message, time),
    bounds === undefined ? '' : limits(bounds, message, value),
    readings(points, bounds, message, time, value),
    `<text x="${plot.left}" y="${height - 14}" font-size="11" fill="${ink.faint}">${caption(message, points)}</text>`,
    '</svg>',
  ];
  return parts.filter((part) => part !== '').join('\n');
}

/** From the first to the last reading; without two of them, around the breach. */
function timeScale({ startedAt, endedAt, at }: AnomalyMessage, points: readonly Point[]): Scale {
  const instants =
    points.length > 0 ? points.map(([atMs]) => atMs) : [Date.parse(startedAt), Date.parse(endedAt ?? at)];
  const [from, to] = [Math.min(...instants), Math.max(...instants)];
  const room = to > from ? (to - from) * 0.02 : 30_000;
  return linearScale(Math.max(from - room, -calendarMs), Math.min(to + room, calendarMs), plot.left, plot.right);
}

function heading(message: AnomalyMessage): string {
  const title = shorten(headline(message), 140);
  // Bold DejaVu is about two thirds of its size wide a letter: a long title is set smaller rather than cut.
  const size = Math.min(20, Math.floor((width - 2 * 24) / (title.length * 0.66)));
  const { severity, site, rule } = message;
  const facts = [`rule ${rule}`, `site ${shorten(plain(site), 32)}`, lasting(message)].join('   ·   ');
  return [
    `<text x="24" y="38" font-size="${size}" font-weight="bold">${escaped(title)}</text>`,
    `<rect x="24" y="54" width="74" height="22" rx="11" fill="${severityInk[severity]}"/>`,
    `<text x="61" y="69" font-size="12" font-weight="bold" fill="#ffffff" text-anchor="middle">${severity}</text>`,
    `<text x="110" y="70" fill="${ink.faint}">${escaped(facts)}</text>`,
  ].join('\n');
}

/** The latest message may be read days later, so it says when the breach still lasted. */
function lasting({ startedAt, endedAt, at }: AnomalyMessage): string {
  const start = clockTime(startedAt, '');
  if (endedAt === null) return `since ${start}, still breaching at ${clockTime(at, startedAt)}`;
  return `${start} – ${clockTime(endedAt, startedAt)} (${duration(Date.parse(endedAt) - Date.parse(startedAt))})`;
}

function grid({ unit }: AnomalyMessage, time: Scale, value: Scale): string {
  const rows = valueTicks(value.from, value.to, 6).map((tick) => {
    const y = px(value.at(tick));
    return [
      `<line x1="${plot.left}" x2="${plot.right}" y1="${y}" y2="${y}" stroke="${ink.grid}"/>`,
      `<text x="${plot.left - 8}" y="${px(value.at(tick) + 4)}" font-size="12" fill="${ink.faint}" text-anchor="end">${compact(tick)}</text>`,
    ].join('\n');
  });
  const columns = timeTicks(time.from, time.to, 8).map(({ atMs, label }) => {
    const x = px(time.at(atMs));
    return [
      `<line x1="${x}" x2="${x}" y1="${plot.bottom}" y2="${plot.bottom + 5}" stroke="${ink.faint}"/>`,
      `<text x="${x}" y="${plot.bottom + 20}" font-size="12" fill="${ink.faint}" text-anchor="middle">${label}</text>`,
    ].join('\n');
  });
  return [
    ...rows,
    `<line x1="${plot.left}" x2="${plot.right}" y1="${plot.bottom}" y2="${plot.bottom}" stroke="${ink.faint}"/>`,
    ...columns,
    `<text x="${plot.left - 8}" y="${plot.top - 10}" font-size="12" fill="${ink.faint}" text-anchor="end">${escaped(plain(unit))}</text>`,
  ].join('\n');
}

/** The breach, as far as the readings reach: its start or its end may lie before or after them. */
function span({ startedAt, endedAt, at }: AnomalyMessage, time: Scale): string {
  const startMs = Date.parse(startedAt);
  const endMs = endedAt === null ? Number.POSITIVE_INFINITY : Date.parse(endedAt);
  const from = px(time.at(Math.min(Math.max(startMs, time.from), time.to)));
  const to = px(time.at(Math.min(Math.max(endMs, time.from), time.to)));
  const start = clockTime(startedAt, at);
  const end = endedAt === null ? '' : clockTime(endedAt, at);
  const parts = [
    `<rect class="breach" x="${from}" y="${plot.top}" width="${px(to - from)}" height="${plot.bottom - plot.top}" fill="${ink.breach}" fill-opacity="0.09"/>`,
  ];
  const startShown = startMs >= time.from && startMs <= time.to;
  const endShown = endedAt !== null && endMs >= time.from && endMs <= time.to;
  // The start is named left of its line where there is room, else right of it, where the end may need the room.
  const side = from > plot.left + edgeLabelWidth ? 'before' : 'after';
  const together = startShown && endShown && side === 'after' && to - from < edgeLabelWidth;
  if (startShown) parts.push(edge(from, together ? '' : `start ${start}`, side));
  else if (startMs < time.from && endMs > time.from) parts.push(note(from + 6, `◂ since ${start}`));
  if (endShown) parts.push(edge(to, together ? `${start} – ${end}` : `end ${end}`, 'after'));
  return parts.join('\n');
}

/** A line from top to bottom, its label above it. */
function edge(x: number, label: string, side: 'before' | 'after'): string {
  const [labelX, anchor] = side === 'before' ? [x - 5, 'end'] : [x + 5, 'start'];
  return [
    `<line class="edge" x1="${x}" x2="${x}" y1="${plot.top - 4}" y2="${plot.bottom}" stroke="${ink.breach}" stroke-opacity="0.6"/>`,
    `<text x="${px(labelX)}" y="${plot.top - 8}" font-size="12" fill="${ink.breach}" text-anchor="${anchor}">${escaped(label)}</text>`,
  ].join('\n');
}

function note(x: number, label: string): string {
  return `<text x="${x}" y="${plot.top - 8}" font-size="12" fill="${ink.breach}">${escaped(label)}</text>`;
}

function limits({ limit, clears, beyond }: Bounds, { unit }: AnomalyMessage, value: Scale): string {
  const y = value.at(limit);
  const clearY = value.at(clears);
  // The label of the clearing value keeps its distance, however thin the band is.
  const labelY = beyond === 'above' ? Math.max(clearY, y + labelHeight) : Math.min(clearY, y - labelHeight);
  const band =
    clears === limit
      ? []
      : [
          `<rect class="deadband" x="${plot.left}" y="${px(Math.min(y, clearY))}" width="${plot.right - plot.left}" height="${px(Math.abs(clearY - y))}" fill="#f0b429" fill-opacity="0.25"/>`,
          `<text x="${plot.right + 8}" y="${px(labelY + 4)}" font-size="12" fill="#8d6b00">${escaped(`clears ${amount(clears, unit)}`)}</text>`,
        ];
  return [
    ...band,
    `<line class="limit" x1="${plot.left}" x2="${plot.right}" y1="${px(y)}" y2="${px(y)}" stroke="${ink.breach}" stroke-width="1.5" stroke-dasharray="7 4"/>`,
    `<text x="${plot.right + 8}" y="${px(y + 4)}" font-size="12" font-weight="bold" fill="${ink.breach}">${escaped(`limit ${amount(limit, unit)}`)}</text>`,
  ].join('\n');
}

function caption({ id, clockSynchronised }: AnomalyMessage, points: readonly Point[]): string {
  const first = points[0];
  const day = first === undefined ? '' : `, from ${clockTime(new Date(first[0]).toISOString(), '')}`;
  const clock = clockSynchronised ? '' : '   ·   clock not synchronised, times may be wrong';
  const count = points.length === 1 ? '1 reading' : `${points.length} readings`;
  return escaped(`${count}${day}   ·   all times UTC${clock}   ·   breach ${id}`);
}
