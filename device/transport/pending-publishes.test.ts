import { expect, test } from 'vitest';
import { manualTime } from '../platform/time.ts';
import type { ConnectionFailure } from './connection.ts';
import { createPendingPublishes, mostPending } from './pending-publishes.ts';
import type { PublishResult } from './transport.ts';

function stage() {
  const time = manualTime();
  const drops: ConnectionFailure[] = [];
  const results: PublishResult[] = [];
  const settle = (result: PublishResult) => results.push(result);
  const pending = createPendingPublishes({
    ...{ address: 'broker:1883', time, publishTimeoutMs: 1_000 },
    drop: (failure) => drops.push(failure),
  });
  return { time, drops, results, pending, add: (bytes = 1) => pending.add({ bytes, timeoutMs: 1_000, settle }) };
}

test('a publish without an answer ends the connection of a peer that says nothing, not of one that speaks', () => {
  const { time, drops, pending, add } = stage();
  add();
  time.advance(500);
  pending.heard();
  time.advance(500);
  expect(drops).toEqual([]);
  add();
  time.advance(1_000);
  expect(drops).toEqual([{ reason: 'broker:1883 has not answered for 2 s', refused: false }]);
});

test('without room a publish is busy; it ends the connection once what fills it has waited for three time-outs', () => {
  const { time, drops, results, pending, add } = stage();
  add(mostPending.bytes);
  expect(add()).toBeUndefined();
  expect([results, drops]).toEqual([[expect.objectContaining({ reason: 'busy' })], []]);
  time.advance(999);
  pending.heard();
  time.advance(2_001);
  pending.heard();
  add();
  expect(drops).toEqual([{ reason: 'broker:1883 leaves publishes without an acknowledgement', refused: false }]);
});
