import { describe, expect, it } from 'vitest';
import { breachMessage } from '../incident/chart/test-message.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { incidentTexts } from '../incident/texts.ts';
import { manualTime } from '../platform/time.ts';
import { createMemoryDestination } from '../simulation/memory-destination.ts';
import { createTeller, type TellerDeps } from './tell.ts';

const message = breachMessage({});
const occurrence: Occurrence = {
  id: message.id,
  correlationId: 'home/pi/temperature/upper',
  phase: 'firing',
  place: 'attached',
  incident: { sysId: 'a', number: 'INC0010001' },
  message,
  toldSeverity: null,
  notedAtMs: 0,
  updatesSinceNote: 0,
  heldBy: null,
  silence: 'none',
};

function teller(chart: TellerDeps['chart']) {
  const time = manualTime();
  const destination = createMemoryDestination(time);
  const texts = incidentTexts({ timeZone: 'UTC', clock: time });
  const held = { heldUnlisted: () => [], markListed: () => {} };
  return { destination, ...createTeller({ destination, texts, closeCode: 'Solution provided', chart, held }) };
}

const going = (begin: () => void) => ({ begin, signal: new AbortController().signal, mayBeAttached: false });

describe('attaching the chart of a breach', () => {
  it('attaches it once, under a name that carries occurrence and sequence', async () => {
    const told = teller(() => Promise.resolve(new Uint8Array([1])));
    expect(
      await told.chart(
        'chart',
        occurrence,
        going(() => {}),
      ),
    ).toEqual({ ok: true, value: 'attached' });
    expect(
      await told.chart(
        'chart',
        occurrence,
        going(() => {}),
      ),
    ).toEqual({ ok: true, value: 'not wanted' });
    expect(told.destination.attachments).toEqual([{ sysId: 'a', name: `breach-${message.id}-1.png` }]);
  });

  it('refuses one that cannot be drawn before anything is written, so that what is told next goes on', async () => {
    const told = teller(() => Promise.reject(new Error('no renderer')));
    let begun = 0;
    const sent = await told.chart(
      'chart',
      occurrence,
      going(() => {
        begun += 1;
      }),
    );
    expect(sent).toEqual({ ok: false, kind: 'refused-record', message: 'no renderer' });
    expect([begun, told.destination.calls.attach]).toEqual([0, 0]);
  });

  it('puts it off when a stop comes before it is drawn: nothing is drawn any more, and nothing written', async () => {
    const stopping = new AbortController();
    let drawn = 0;
    const told = teller(async () => {
      drawn += 1;
      return new Uint8Array([1]);
    });
    const { attachmentNames } = told.destination;
    told.destination.attachmentNames = (sysId) => {
      stopping.abort();
      return attachmentNames(sysId);
    };
    let begun = 0;
    const begin = () => {
      begun += 1;
    };
    const sent = await told.chart('chart', occurrence, { begin, signal: stopping.signal, mayBeAttached: false });
    expect(sent).toEqual({ ok: true, value: 'put off' });
    expect([drawn, begun, told.destination.calls.attach]).toEqual([0, 0, 0]);
  });
});

describe('what a storm lists', () => {
  it('is marked by the write that listed it, not by a later one after that failed', async () => {
    const marked: string[] = [];
    const destination = createMemoryDestination(manualTime());
    const held = {
      heldUnlisted: () => [occurrence],
      markListed: (listed: readonly Occurrence[]) => void marked.push(...listed.map(({ id }) => id)),
    };
    const texts = incidentTexts({ timeZone: 'UTC', clock: manualTime() });
    const told = createTeller({ destination, texts, closeCode: 'Solution provided', chart: undefined, held });
    const storm: Occurrence = { ...occurrence, id: 'f'.repeat(32), message: { ...message, rule: 'storm' } };
    const created = await told.write({ do: 'create', follows: undefined }, storm);
    if (!created.ok) throw new Error(created.kind);
    const { row } = created.value;
    await told.write({ do: 'note', row: { ...row, sysId: 'gone' }, severity: undefined }, storm);
    const step = { do: 'resolve', row } as const;
    const resolved = await told.write(step, storm);
    if (!resolved.ok) throw new Error(resolved.kind);
    told.outcome(step, storm, storm, resolved.value);
    expect(marked).toEqual([]);
  });
});
