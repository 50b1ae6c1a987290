import { sized } from './cells.ts';
import { type Line, type Look, mark, part, safe, type Tone, widthOf, written } from './line.ts';
import { metricLine } from './metric-line.ts';
import type { DeviceView, IncidentView, ViewEvent, ViewEventKind, ViewModel } from './view-model.ts';
import { clockTime, counted, dayAndTime, inWords, stopwatch } from './words.ts';

export interface RenderOptions extends Look {
  rows: number;
}

const hint = 'Ctrl-C ends it; the next start goes on from here.';
const mostEvents = 8;
const mostIncidents = 6;

/** Below so many rows, what can be looked up elsewhere is left out. */
const compactBelowRows = 20;

/**
 * One frame. No line is wider than `columns`, and there are fewer lines than `rows`: what matters least goes first (old
 * events, old incidents, devices that are well).
 */
export function render(model: ViewModel, events: readonly ViewEvent[], look: RenderOptions): string {
  const compact = look.rows < compactBelowRows;
  const top = compact ? header(model, look).slice(0, 2) : header(model, look);
  const hintLine: Line = [part(` ${hint}`, 'quiet')];
  const foot: Line[] = compact ? [outbox(model), hintLine] : [[], outbox(model), counters(model), hintLine];
  const room = Math.max(0, look.rows - 1 - top.length - foot.length);
  const now = nowOf(model, events);

  const ofDevices = devices(model.devices, now, look, Math.max(2, Math.floor(room / 2)));
  const deviceLines = compact ? ofDevices.slice(0, Math.ceil(room / 2)) : ofDevices;
  const incidentRoom = Math.floor((room - deviceLines.length) * (compact ? 1 : 0.6));
  const incidentLines = incidents(model.incidents, now, look, Math.max(2, incidentRoom));
  const eventRoom = Math.min(mostEvents, room - deviceLines.length - incidentLines.length - 1);
  const eventLines = eventRoom > 0 ? events.slice(-eventRoom).map((event) => eventLine(event, now)) : [];
  const log: Line[] = eventLines.length === 0 ? [] : [[], ...eventLines];

  const middle = [...deviceLines, ...incidentLines, ...log].slice(0, room);
  const lines = [...top, ...middle, ...foot].slice(0, Math.max(1, look.rows - 1));
  return lines.map((line) => written(line, look)).join('\n');
}

/** The instant that times of day are told against. */
function nowOf({ clock, incidents: list }: ViewModel, events: readonly ViewEvent[]): number {
  if (clock.kind === 'recording') return clock.atMs;
  return Math.max(0, events.at(-1)?.atMs ?? 0, list[0]?.openedAtMs ?? 0);
}

function header({ title, clock, links, login }: ViewModel, look: RenderOptions): Line[] {
  const right =
    clock.kind === 'live'
      ? stopwatch(clock.elapsedMs)
      : `${dayAndTime(clock.atMs)}${clock.progress === undefined ? '' : `  ${Math.floor(clock.progress * 100)} %`}`;
  const name = ' greengrass-itsm  ';
  const room = look.columns - name.length - right.length - 2;
  const first: Line =
    room < 8
      ? [part(` ${safe(title, look)}`, 'strong')]
      : [part(name, 'good'), part(sized(safe(title, look), room, mark(look)), 'strong'), part(` ${right} `, 'quiet')];
  const where = links.map(({ name: link, url }): Line => [part(` ${link} `, 'quiet'), part(url, 'link')]);
  const user: Line[] =
    login === undefined ? [] : [[part(` user ${login.user}, password in ${login.passwordIn}`, 'quiet')]];
  return [first, ...where, ...user];
}

/** Those that need a look first; when there is no room for all, the others are counted. */
function devices(list: readonly DeviceView[], now: number, look: RenderOptions, room: number): Line[] {
  const troubled = (device: DeviceView) => device.sensorFault !== undefined || isFiring(device);
  const sorted = [...list.filter(troubled), ...list.filter((device) => !troubled(device))];
  const lines: Line[] = [];
  for (const [index, device] of sorted.entries()) {
    const block = deviceBlock(device, now, look);
    const left = sorted.length - index;
    if (index > 0 && lines.length + block.length + (left > 1 ? 1 : 0) > room) {
      lines.push([part(` and ${counted(left, 'further device')}`, 'quiet')]);
      break;
    }
    lines.push(...block);
  }
  return lines;
}

function isFiring({ metrics, firing }: DeviceView): boolean {
  return firing.length > 0 || metrics.some((metric) => metric.firing.length > 0);
}

function deviceBlock(device: DeviceView, now: number, look: RenderOptions): Line[] {
  const title: Line[] = [[], [part(` ${device.name}`, 'strong'), ...firingParts(device.firing, now)]];
  const fault: Line[] =
    device.sensorFault === undefined ? [] : [[part('   sensor fault: ', 'bad'), part(device.sensorFault)]];
  return [...title, ...fault, ...device.metrics.map((metric) => metricLine(metric, now, look))];
}

function firingParts(firing: readonly { rule: string; sinceMs: number }[], now: number): Line {
  return firing.map(({ rule, sinceMs }) => part(`  ${rule} since ${clockTime(sinceMs, now)}`, 'bad'));
}

const stateTones: ReadonlyMap<string, Tone> = new Map([
  ['New', 'bad'],
  ['In Progress', 'bad'],
  ['On Hold', 'waiting'],
  ['Resolved', 'good'],
  ['Closed', 'good'],
]);

function incidents(list: readonly IncidentView[], now: number, look: RenderOptions, room: number): Line[] {
  if (list.length === 0) return [[], [part(' No incident yet.', 'quiet')]];
  const lines: Line[] = [[], [part(` ${counted(list.length, 'incident')}`, 'strong')]];
  const shown: Line[] = [];
  let count = 0;
  for (const incident of list.slice(0, mostIncidents)) {
    const block = incidentBlock(incident, now, look);
    if (count > 0 && lines.length + shown.length + block.length + 1 > room) break;
    shown.push(...block);
    count += 1;
  }
  const rest = list.length - count;
  return [...lines, ...shown, ...(rest > 0 ? [[part(`   and ${rest} before`, 'quiet')]] : [])];
}

/** In one line where there is room for it, else with the link below. */
function incidentBlock(incident: IncidentView, now: number, look: RenderOptions): Line[] {
  const { number, state, shortDescription, openedAtMs, notes, reopened, url } = incident;
  const head: Line = [
    part(`   ${safe(number, look)}  `, 'strong'),
    part(sized(safe(state, look), 11, mark(look)), stateTones.get(state) ?? 'plain'),
    part(`  ${clockTime(openedAtMs, now)}  ${sized(counted(notes, 'note'), 8, mark(look))}  `, 'quiet'),
    ...(reopened ? [part('reopened  ', 'waiting')] : []),
  ];
  const room = look.columns - widthOf(head);
  const link = safe(url, look);
  const description = safe(shortDescription, look);
  if (room - link.length - 2 >= 40) {
    return [[...head, part(sized(description, room - link.length - 2, mark(look))), part('  '), part(link, 'link')]];
  }
  const below: Line = [part('     '), part(link, 'link')];
  return room >= 30 ? [[...head, part(description)], below] : [head, [part('     '), part(description)], below];
}

const eventTones: Readonly<Record<ViewEventKind, Tone>> = {
  breach: 'bad',
  created: 'strong',
  note: 'plain',
  recovered: 'good',
  resolved: 'good',
  reopened: 'waiting',
  fault: 'waiting',
  paused: 'waiting',
  'going on': 'good',
  info: 'quiet',
};

function eventLine({ atMs, kind, text }: ViewEvent, now: number): Line {
  return [part(`   ${clockTime(atMs, now)}  `, 'quiet'), part(kind.padEnd(10), eventTones[kind]), part(text)];
}

function outbox({ outbox: { waiting, deadLetters, paused, settlingMs } }: ViewModel): Line {
  const state: Line = [
    ...(paused === undefined ? [] : [part(`  paused for ${inWords(paused.forMs)}: `, 'waiting'), part(paused.reason)]),
    ...(settlingMs > 0 ? [part(`  first write in ${inWords(settlingMs)}`, 'waiting')] : []),
    ...(deadLetters > 0 ? [part(`  ${counted(deadLetters, 'dead letter')}`, 'bad')] : []),
  ];
  const empty = waiting === 0 ? part('empty', 'good') : part(`${waiting} waiting`);
  return [part(' outbox ', 'quiet'), empty, ...state];
}

function counters({ counters: list }: ViewModel): Line {
  const words = list.map(({ name, value }) => `${name} ${value}`).join('   ');
  return [part(` ${words}`, 'quiet')];
}
