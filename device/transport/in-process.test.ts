import { describe, expect, test } from 'vitest';
import { silentLogger } from '../platform/logger.ts';
import { inProcessBus } from './in-process.ts';
import { transportContract } from './transport-contract.ts';

describe('in-process transport', () => {
  transportContract({
    lastWill: true,
    silence: false,
    badOptions: {},
    async open() {
      const bus = inProcessBus();
      return {
        async client(name, options) {
          return {
            transport: bus.transport({ name, ...options }),
            cut: () => bus.disconnect(name),
            restore: () => bus.connect(name),
          };
        },
        async close() {},
      };
    },
  });

  const client = (bus: ReturnType<typeof inProcessBus>, name: string) =>
    bus.transport({ name, maxPayloadBytes: 100, logger: silentLogger, will: { topic: 'will', payload: name } });

  test('a message comes after the publish has returned, never within it', async () => {
    const bus = inProcessBus();
    const transport = client(bus, 'one');
    await transport.start();
    const events: string[] = [];
    await transport.subscribe('x', () => {
      events.push('received');
    });
    const publishing = transport.publish('x', 'm');
    events.push('published');
    await publishing;
    expect(events).toEqual(['published', 'received']);
  });

  test('a cut of the whole bus reaches everybody, and nobody is left to hear a last will', async () => {
    const bus = inProcessBus();
    const [one, two] = [client(bus, 'one'), client(bus, 'two')];
    const heard: string[] = [];
    await two.subscribe('#', ({ topic }) => {
      heard.push(topic);
    });
    await one.start();
    await two.start();
    bus.disconnect();
    expect([one.state().state, two.state().state]).toEqual(['disconnected', 'disconnected']);
    bus.connect();
    expect(await one.publish('x', 'm')).toEqual({ ok: true });
    expect(heard).toEqual(['x']);
  });

  test('what was not yet delivered at a cut is lost, also for a handler that makes the cut', async () => {
    const bus = inProcessBus();
    const transport = client(bus, 'one');
    const heard: string[] = [];
    await transport.subscribe('x', ({ payload }) => {
      heard.push(String(payload));
      if (String(payload) === '2') bus.disconnect('one');
    });
    await transport.start();
    await Promise.all(['1', '2', '3'].map((text) => transport.publish('x', text)));
    bus.connect('one');
    await transport.publish('x', '4');
    await expect.poll(() => heard).toEqual(['1', '2', '4']);
  });
});
