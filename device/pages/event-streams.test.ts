import { describe, expect, test } from 'vitest';
import { manualTime } from '../platform/time.ts';
import { createEventStreams } from './event-streams.ts';

function reader(response: Response) {
  const stream = response.body?.getReader();
  if (stream === undefined) throw new Error('no body');
  const decoder = new TextDecoder();
  return {
    /** The next event; `ended` at the end of the stream. */
    async next(): Promise<string> {
      const { done, value } = await stream.read();
      return done ? 'ended' : decoder.decode(value).trim();
    },
    cancel: () => stream.cancel(),
  };
}

describe('streams of events', () => {
  test('tell every open page what is sent, after what it begins with', async () => {
    const streams = createEventStreams({ time: manualTime() });
    const pages = [1, 2].map((n) => reader(streams.open([{ name: 'hello', data: n }])));
    streams.send({ name: 'change', data: { text: 'two\nlines' } });
    const heard = await Promise.all(pages.map(async (page) => [await page.next(), await page.next()]));
    expect(heard).toEqual(
      [1, 2].map((n) => [`event: hello\ndata: ${n}`, 'event: change\ndata: {"text":"two\\nlines"}']),
    );
  });

  test('beat while somebody listens, and no longer', async () => {
    const time = manualTime();
    const streams = createEventStreams({ time, heartbeatMs: 15_000 });
    const page = reader(streams.open([]));
    time.advance(15_000);
    expect(await page.next()).toBe('event: heartbeat\ndata: null');
    await page.cancel();
    expect(streams.clients()).toBe(0);
    time.advance(15_000);
    expect(time.nextTimerAt()).toBeUndefined();
  });

  test('refuse more pages than they may have, and take one again when one has left', async () => {
    const streams = createEventStreams({ time: manualTime(), mostClients: 1 });
    const first = reader(streams.open([]));
    const refused = streams.open([]);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '30']);
    await first.cancel();
    expect(streams.open([]).status).toBe(200);
  });

  test('end a page that is not welcome any more at the next beat', async () => {
    const time = manualTime();
    const streams = createEventStreams({ time, heartbeatMs: 1_000 });
    let isWelcome = true;
    const page = reader(streams.open([], () => isWelcome));
    time.advance(1_000);
    expect(await page.next()).toContain('heartbeat');
    isWelcome = false;
    time.advance(1_000);
    expect(await page.next()).toBe('ended');
  });

  test('drop a page that does not read, so that nothing piles up', () => {
    const streams = createEventStreams({ time: manualTime() });
    streams.open([]);
    for (let n = 0; n < 1_000 && streams.clients() > 0; n += 1) streams.send({ name: 'change', data: n });
    expect(streams.clients()).toBe(0);
  });

  test('end with the server, which takes none after that', async () => {
    const time = manualTime();
    const streams = createEventStreams({ time });
    const page = reader(streams.open([]));
    streams.stop();
    streams.stop();
    expect(await page.next()).toBe('ended');
    expect(streams.open([]).status).toBe(503);
    expect(time.nextTimerAt()).toBeUndefined();
  });
});
