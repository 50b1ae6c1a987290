import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packetGuard } from './packet-guard.ts';

/** A packet of that many bytes after its fixed header. */
function packet(length: number): number[] {
  const header = [0x30];
  for (let left = length; ; left >>= 7) {
    header.push(left > 0x7f ? (left & 0x7f) | 0x80 : left);
    if (left <= 0x7f) return [...header, ...Array.from({ length }, () => 0xff)];
  }
}

const most = 300;

test.each([0, 1, 127, 128, 300])('a packet of %i bytes passes, and so does the next one', (length) => {
  const within = packetGuard(most);
  expect(within(Uint8Array.from([...packet(length), ...packet(length)]))).toBe(true);
});

test('a packet that is too long is seen by its header, before it comes', () => {
  const within = packetGuard(most);
  expect(within(Uint8Array.from(packet(301).slice(0, 3)))).toBe(false);
  expect(within(Uint8Array.from([0x30]))).toBe(false);
});

test('it does not matter how the stream is cut into chunks', () => {
  const lengths = fc.array(fc.nat({ max: 310 }), { minLength: 1, maxLength: 6 });
  const cuts = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(lengths, cuts, (sent, sizes) => {
      const within = packetGuard(most);
      const stream = Uint8Array.from(sent.flatMap(packet));
      let result = true;
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        result = within(stream.subarray(at, at + size));
        at += size;
      }
      expect(result).toBe(sent.every((length) => length <= most));
    }),
    { numRuns: 500 },
  );
});
