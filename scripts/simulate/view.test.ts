import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { manualTime } from '../../device/platform/time.ts';
import { render } from './view/render.ts';
import { screenOf } from './view/screen-fixture.ts';
import { sampleEvents, sampleModel } from './view/view-fixture.ts';
import type { ViewEvent } from './view/view-model.ts';
import type { ViewStream } from './view/view-port.ts';
import { createView } from './view.ts';

function terminal(traits: Partial<ViewStream>, env: Record<string, string> = {}) {
  const writes: string[] = [];
  const stream = Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        writes.push(String(chunk));
        done();
      },
    }),
    traits,
  );
  const time = manualTime();
  const view = createView({ stream, env, time });
  /** Frames and lines; what hides and shows the cursor is none. */
  const frames = () => writes.filter((chunk) => stripVTControlCharacters(chunk) !== '');
  return { view, stream, time, frames, all: () => writes.join('') };
}

const live = { isTTY: true, columns: 100, rows: 30, hasColors: () => true };

describe('on a terminal', () => {
  test('a frame is drawn at once, and then at most four times a second', () => {
    const { view, time, frames } = terminal(live);
    for (let ms = 0; ms < 1_000; ms += 10) {
      view.update({ ...sampleModel, clock: { kind: 'live', elapsedMs: ms * 1_000 } });
      time.advance(10);
    }
    expect(frames().length).toBeGreaterThanOrEqual(4);
    expect(frames().length).toBeLessThanOrEqual(5);
  });

  test('the latest state is drawn even when nothing more comes', () => {
    const { view, time, all } = terminal(live);
    view.update(sampleModel);
    view.update({ ...sampleModel, title: 'another title' });
    expect(all()).not.toContain('another title');
    time.advance(250);
    expect(all()).toContain('another title');
  });

  test('the terminal shows the latest frame and nothing of the ones before, however they differ', () => {
    const step = fc.record({ events: fc.nat(2), incidents: fc.nat(3), links: fc.nat(2), elapsedMs: fc.nat(9_000) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
        const { view, time, all } = terminal({ ...live, hasColors: () => false });
        const events: ViewEvent[] = [];
        let model = sampleModel;
        for (const { events: further, incidents, links, elapsedMs } of steps) {
          for (let count = 0; count < further; count += 1) {
            const event = { atMs: 0, kind: 'note' as const, text: `event ${events.length}` };
            events.push(event);
            view.event(event);
          }
          model = {
            ...sampleModel,
            clock: { kind: 'live', elapsedMs },
            links: sampleModel.links.slice(links),
            incidents: Array.from({ length: incidents }, () => sampleModel.incidents).flat(),
            counters: [{ name: 'readings', value: elapsedMs }],
          };
          view.update(model);
          time.advance(1_000);
        }
        const frame = render(model, events, { columns: 100, rows: 30, color: false, unicode: true });
        expect(screenOf(all()).join('\n').trimEnd()).toBe(frame);
      }),
    );
  });

  test('a new width is drawn in', () => {
    const { view, stream, time, frames } = terminal(live);
    view.update(sampleModel);
    Object.assign(stream, { columns: 40 });
    time.advance(250);
    stream.emit('resize');
    const lines = stripVTControlCharacters(frames().at(-1) ?? '').split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40);
  });

  test('at the end the last state stays, the last words follow, and nothing is drawn any more', () => {
    const { view, stream, time, all, frames } = terminal(live);
    view.update(sampleModel);
    view.update({ ...sampleModel, title: 'the end' });
    view.stop(['All \u001b[31mwell.']);
    expect(all()).toContain('the end');
    expect(frames().at(-1)).toBe('\nAll �[31mwell.\n');
    const before = frames().length;
    view.update(sampleModel);
    view.event(sampleEvents[0] ?? expect.fail());
    stream.emit('resize');
    time.advance(10_000);
    view.stop(['again']);
    expect(frames().length).toBe(before);
    expect(time.nextTimerAt()).toBeUndefined();
    expect(stream.listenerCount('resize')).toBe(0);
  });

  test('without colours where the terminal has none, without more than ASCII where the locale has none', () => {
    const { view, all } = terminal({ ...live, hasColors: () => false }, { LANG: 'C' });
    view.update(sampleModel);
    expect(all()).not.toMatch(/\[(31|32|36)m/);
    expect(stripVTControlCharacters(all())).toMatch(/^[ -~\n]*$/);
  });
});

describe('anywhere else', () => {
  test.each([
    ['a pipe', { isTTY: false }, {}],
    ['a dumb terminal', live, { TERM: 'dumb' }],
    ['a build server', live, { CI: 'true' }],
  ])('%s gets one line for each event, none for each reading, and no colours', (_name, traits, env) => {
    const { view, all } = terminal(traits, env);
    view.update(sampleModel);
    view.update(sampleModel);
    for (const event of sampleEvents) view.event(event);
    view.event({ atMs: Number.NaN, kind: 'fault', text: 'bad\n\u001b[2Jnews' });
    view.update(sampleModel);
    view.stop(['Audit: nothing lost, nothing twice.']);
    view.stop(['again']);
    expect(all()).toBe(
      [
        'Humidity rises over 50 %RH and recovers',
        'ServiceNow: http://127.0.0.1:8088',
        'metrics: http://127.0.0.1:40123/metrics',
        'user admin, password in data/servicenow/credentials.json',
        '2026-01-05T10:11:50.000Z breach: IoT-blog_Core humidity 51.1 %RH, above 50 %RH',
        '2026-01-05T10:11:57.000Z created: INC0010001 http://127.0.0.1:8088/incident/x',
        '- fault: bad �[2Jnews',
        'Audit: nothing lost, nothing twice.',
        '',
      ].join('\n'),
    );
  });
});
