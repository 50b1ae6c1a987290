import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cellsOf } from './cells.ts';
import { type RenderOptions, render } from './render.ts';
import { sampleEvents, sampleModel, startedAtMs } from './view-fixture.ts';
import { type DeviceView, type IncidentView, type ViewEvent, type ViewModel, viewEventKinds } from './view-model.ts';

const look: RenderOptions = { columns: 80, rows: 24, color: false, unicode: true };

describe('a frame', () => {
  test('at 80 columns', () => {
    expect(render(sampleModel, sampleEvents, look)).toMatchInlineSnapshot(`
      " greengrass-itsm  Humidity rises over 50 %RH and recovers                 01:23
       ServiceNow http://127.0.0.1:8088
       metrics http://127.0.0.1:40123/metrics
       user admin, password in data/servicenow/credentials.json

       IoT-blog_Core
         temperature     21.4 °C  ━━━╌╌╌╌╌╌╌╌┃╌       ▁▃▅█  ok  to 30.0
         humidity       55.2 %RH  ━━━━┃━━━━━━━╌       ▁▁▄█  above 50.0 since 10:11:50Z

       1 incident
         INC0010001  In Progress  10:11:57Z  3 notes   reopened
           [HIGH] IoT-blog_Core humidity 55.2 %RH, above 50 %RH since 10:11:50Z
           http://127.0.0.1:8088/incident/6d2b6a1a9c2f4b1ea2d9b4c3d2e1f000

         10:11:50Z  breach    IoT-blog_Core humidity 51.1 %RH, above 50 %RH
         10:11:57Z  created   INC0010001

       outbox 1 waiting
       readings 46   published 46   failed 0
       Ctrl-C ends it; the next start goes on from here."
    `);
  });

  test('at 120 columns in ASCII, of a recording', () => {
    const model: ViewModel = {
      ...sampleModel,
      clock: { kind: 'recording', atMs: startedAtMs, progress: 0.43, elapsedMs: 1 },
    };
    expect(render(model, [], { ...look, columns: 120, unicode: false })).toMatchInlineSnapshot(`
      " greengrass-itsm  Humidity rises over 50 %RH and recovers                                    2026-01-05 10:11:30Z  43 %
       ServiceNow http://127.0.0.1:8088
       metrics http://127.0.0.1:40123/metrics
       user admin, password in data/servicenow/credentials.json

       IoT-blog_Core
         temperature      21.4 C  =====............|..                                _,=#  ok  to 30.0
         humidity       55.2 %RH  ======|===========..                                __-#  HIGH above 50.0 since 10:11:50Z

       1 incident
         INC0010001  In Progress  10:11:57Z  3 notes   reopened  [HIGH] IoT-blog_Core humidity 55.2 %RH, above 50 %RH since 1~
           http://127.0.0.1:8088/incident/6d2b6a1a9c2f4b1ea2d9b4c3d2e1f000

       outbox 1 waiting
       readings 46   published 46   failed 0
       Ctrl-C ends it; the next start goes on from here."
    `);
  });

  test('says what ails: sensor fault, pause, settling, dead letters, pending', () => {
    const [device] = sampleModel.devices;
    const frame = render(
      {
        ...sampleModel,
        devices: [
          {
            name: 'pi',
            sensorFault: 'io-error: no answer',
            firing: [{ rule: 'no-data', sinceMs: startedAtMs, severity: 'medium' }],
            metrics: (device?.metrics ?? []).map((metric) => ({ ...metric, firing: [], pendingSinceMs: startedAtMs })),
          },
        ],
        outbox: { waiting: 2, deadLetters: 1, paused: { reason: '503', forMs: 4_200 }, settlingMs: 1_500 },
      },
      sampleEvents,
      look,
    );
    expect(frame).toContain('pi  no-data since 10:11:30Z');
    expect(frame).toContain('sensor fault: io-error: no answer');
    expect(frame).toContain('pending since 10:11:30Z');
    expect(frame).toContain('2 waiting  paused for 5 s: 503  first write in 2 s  1 dead letter');
  });

  test('shows devices in trouble first, and counts those that it has no room for', () => {
    const well: DeviceView = { name: 'well', sensorFault: undefined, firing: [], metrics: [] };
    const list = [...Array.from({ length: 30 }, (_, index) => ({ ...well, name: `well-${index}` }))];
    const frame = render(
      { ...sampleModel, devices: [...list, { ...well, name: 'ill', sensorFault: 'broken' }] },
      [],
      look,
    );
    expect(frame.indexOf('ill')).toBeLessThan(frame.indexOf('well-0'));
    expect(frame).toMatch(/and \d+ further devices/);
  });

  test('still has device and incident in a window of twelve rows', () => {
    const frame = render(sampleModel, sampleEvents, { ...look, rows: 12 });
    expect(frame).toContain('humidity');
    expect(frame).toContain('INC0010001');
    expect(frame).toContain('Ctrl-C');
  });

  test('says the same with colours as without', () => {
    const colored = render(sampleModel, sampleEvents, { ...look, color: true });
    expect(colored).toContain('\u001b[');
    const plain = stripVTControlCharacters(colored).split('\n');
    expect(plain.map((line) => line.trimEnd()).join('\n')).toBe(render(sampleModel, sampleEvents, look));
  });
});

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '\u001b[2J\u001b]0;owned\u0007',
    '\u009b31m',
    'a\r\nb\tc',
    '\u202eevil',
    '温度計'.repeat(20),
    '🔥👨‍👩‍👧'.repeat(9),
    'e\u0301\u0301\u0301\u0301',
  ),
);
const number = fc.oneof(fc.double(), fc.integer({ min: -50, max: 150 }));
const limit = fc.option(fc.double({ min: -100, max: 100, noNaN: true }), { nil: undefined });
const instant = fc.oneof(fc.integer({ min: 0, max: 4e12 }), fc.constant(Number.NaN));
const firing = fc.array(fc.record({ rule: hostile, sinceMs: instant, severity: hostile }), { maxLength: 2 });
const device: fc.Arbitrary<DeviceView> = fc.record({
  name: hostile,
  sensorFault: fc.option(hostile, { nil: undefined }),
  firing,
  metrics: fc.array(
    fc.record({
      metric: hostile,
      unit: hostile,
      value: fc.option(number, { nil: undefined }),
      upper: limit,
      lower: limit,
      history: fc.array(number, { maxLength: 70 }),
      pendingSinceMs: fc.option(instant, { nil: undefined }),
      firing,
    }),
    { maxLength: 4 },
  ),
});
const incident: fc.Arbitrary<IncidentView> = fc.record({
  number: hostile,
  state: hostile,
  shortDescription: hostile,
  openedAtMs: instant,
  notes: fc.nat(),
  reopened: fc.boolean(),
  url: hostile,
});
const model: fc.Arbitrary<ViewModel> = fc.record({
  title: hostile,
  clock: fc.oneof(
    fc.record({ kind: fc.constant('live' as const), elapsedMs: fc.nat() }),
    fc.record({
      kind: fc.constant('recording' as const),
      atMs: instant,
      progress: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
      elapsedMs: fc.nat(),
    }),
  ),
  links: fc.array(fc.record({ name: hostile, url: hostile }), { maxLength: 3 }),
  login: fc.option(fc.record({ user: hostile, passwordIn: hostile }), { nil: undefined }),
  devices: fc.array(device, { maxLength: 5 }),
  incidents: fc.array(incident, { maxLength: 9 }),
  outbox: fc.record({
    waiting: fc.nat(),
    deadLetters: fc.nat(),
    paused: fc.option(fc.record({ reason: hostile, forMs: fc.nat() }), { nil: undefined }),
    settlingMs: fc.nat(),
  }),
  counters: fc.array(fc.record({ name: hostile, value: fc.nat() }), { maxLength: 5 }),
});
const event: fc.Arbitrary<ViewEvent> = fc.record({
  atMs: instant,
  kind: fc.constantFrom(...viewEventKinds),
  text: hostile,
});
const anyLook = fc.record({
  columns: fc.integer({ min: 1, max: 220 }),
  rows: fc.integer({ min: 2, max: 60 }),
  color: fc.boolean(),
  unicode: fc.boolean(),
});

describe('whatever it is given', () => {
  test('a state that is a name of every object is a word like any other', () => {
    const [incident] = sampleModel.incidents;
    if (incident === undefined) throw new Error('the sample has an incident');
    const odd = { ...sampleModel, incidents: [{ ...incident, state: 'toString' }] };
    expect(render(odd, [], { columns: 120, rows: 40, color: true, unicode: true })).toContain('toString');
  });

  test('no line is wider than the terminal, and the frame is not higher', () => {
    fc.assert(
      fc.property(model, fc.array(event, { maxLength: 12 }), anyLook, (one, events, options) => {
        const lines = stripVTControlCharacters(render(one, events, options)).split('\n');
        expect(lines.length).toBeLessThan(options.rows);
        for (const line of lines) expect(cellsOf(line)).toBeLessThanOrEqual(options.columns);
      }),
    );
  });

  test('nothing but its own colours moves the terminal', () => {
    const own = new RegExp(`${String.fromCharCode(27)}\\[(1|2|22|31|32|35|36|39)m`, 'g');
    fc.assert(
      fc.property(model, fc.array(event, { maxLength: 12 }), anyLook, (one, events, options) => {
        const frame = render(one, events, options).replaceAll('\n', '');
        const rest = options.color ? frame.replace(own, '') : frame;
        expect(rest).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        if (!options.unicode) expect(rest).toMatch(/^[ -~]*$/);
      }),
    );
  });
});
