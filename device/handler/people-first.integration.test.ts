import { describe, expect, test } from 'vitest';
import { minuteMs, ready, recover } from './story-harness.ts';

describe('people first', () => {
  test.each([
    ['resolved by a person', { state: 'resolved', closeNotes: 'mine' }],
    ['closed', { state: 'closed' }],
    ['canceled', { state: 'canceled' }],
  ] as const)('%s while it lasts: nothing new until a recovery and a new firing', async (_name, change) => {
    const h = await ready();
    const fired = h.anomaly();
    await h.settle();
    h.destination.edit('INC0010001', change);
    await h.pass(16 * minuteMs);
    h.anomaly({ phase: 'updated', firingSequence: 1, startedAt: fired.startedAt });
    await h.pass(minuteMs);
    expect(h.destination.rows).toHaveLength(1);
    expect(h.destination.rows[0]?.state).toBe(change.state);
    await recover(h, fired);
    await h.pass(20 * minuteMs);
    h.heartbeat();
    await h.settle();
    expect(h.destination.rows[0]?.state).toBe(change.state);
    h.anomaly();
    await h.settle();
    expect(h.destination.rows.length + (h.destination.rows[0]?.state === 'in-progress' ? 1 : 0)).toBe(2);
  });

  test('an incident on hold gets notes and keeps its state', async () => {
    const h = await ready();
    const fired = h.anomaly();
    await h.settle();
    h.destination.edit('INC0010001', { state: 'on-hold' });
    await recover(h, fired);
    await h.pass(20 * minuteMs);
    h.heartbeat();
    await h.settle();
    expect(h.destination.rows[0]?.state).toBe('on-hold');
    expect(h.destination.rows[0]?.workNotes).toContain('left so');
  });
});
