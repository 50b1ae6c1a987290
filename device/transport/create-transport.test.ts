import { describe, expect, test } from 'vitest';
import { type Config, configSchema } from '../config/schema.ts';
import { silentLogger } from '../platform/logger.ts';
import { manualTime } from '../platform/time.ts';
import { type CreateTransportDeps, createTransport } from './create-transport.ts';
import { type InProcessBus, type InProcessOptions, inProcessBus } from './in-process.ts';

const deps = { component: 'monitor', logger: silentLogger, time: manualTime(), random: () => 0.5 };

function config(transport: object, deviceId = 'IoT-blog_Core'): Config {
  return configSchema.parse({ deviceId, transport });
}

/** The name under which a client of that device appears. */
async function nameOf(deviceId: string, change: Partial<CreateTransportDeps> = {}, mqtt = {}): Promise<string> {
  const names: string[] = [];
  const bus = inProcessBus();
  const inProcess: InProcessBus = {
    ...bus,
    transport(options: InProcessOptions) {
      names.push(options.name);
      return bus.transport(options);
    },
  };
  await createTransport(config({ kind: 'in-process', mqtt }, deviceId), { ...deps, inProcess, ...change });
  return names.join();
}

describe('the transport that configuration chooses', () => {
  test('is mqtt unless it says otherwise, and is not started', async () => {
    const transport = await createTransport(config({}), deps);
    expect(transport.kind).toBe('mqtt');
    expect(transport.state()).toEqual({ state: 'disconnected', reason: 'not started' });
  });

  test('in-process is a client of the bus that is given, with its last will', async () => {
    const inProcess = inProcessBus();
    const will = { topic: 'will', payload: 'gone' };
    const watcher = inProcess.transport({ name: 'watcher', maxPayloadBytes: 100, logger: silentLogger });
    const wills: string[] = [];
    await watcher.subscribe('will', ({ payload }) => {
      wills.push(String(payload));
    });
    await watcher.start();
    const transport = await createTransport(config({ kind: 'in-process' }), { ...deps, inProcess, will });
    expect(transport.kind).toBe('in-process');
    await transport.start();
    inProcess.disconnect('IoT-blog_Core-monitor');
    await expect.poll(() => wills).toEqual(['gone']);
  });

  test('iot-core is loaded without its files, which count at the start', async () => {
    const transport = await createTransport(config({ kind: 'iot-core' }), deps);
    expect(transport.kind).toBe('iot-core');
    await expect(transport.start()).rejects.toThrow('transport.iotCore: endpoint is missing');
  });

  test.each([
    ['in-process', 'transport.kind in-process works only where monitor and handler run in one process'],
    ['greengrass-ipc', 'transport.kind greengrass-ipc needs a Greengrass nucleus'],
  ])('%s is refused where it cannot be, in a sentence', async (kind, sentence) => {
    const creating = createTransport(config({ kind }), deps);
    await expect(creating).rejects.toMatchObject({
      reason: expect.stringMatching(/^(unsupported-transport|not-under-greengrass)$/),
    });
    await expect(creating).rejects.toThrow(sentence);
  });
});

describe('client id', () => {
  test('is made of device and component', async () => {
    expect(await nameOf('IoT-blog_Core')).toBe('IoT-blog_Core-monitor');
    expect(await nameOf('IoT-blog_Core', { component: 'handler' })).toBe('IoT-blog_Core-handler');
  });

  test('is the one of the configuration, where that has one', async () => {
    expect(await nameOf('pi', {}, { clientId: 'client/pi' })).toBe('client/pi');
  });

  test('is safe and bounded for any device, and no two devices share one', async () => {
    const ids = [
      'a b',
      'a/b',
      'a_b',
      'ü',
      '温度',
      'x'.repeat(56),
      'x'.repeat(57),
      'x'.repeat(128),
      `${'x'.repeat(127)}y`,
    ];
    const clientIds = await Promise.all(ids.map((id) => nameOf(id)));
    for (const clientId of clientIds) expect(clientId).toMatch(/^[A-Za-z0-9_-]{1,56}-monitor$/);
    expect(new Set(clientIds).size).toBe(ids.length);
    expect(clientIds[2]).toBe('a_b-monitor');
    expect(clientIds[5]).toBe(`${'x'.repeat(56)}-monitor`);
    expect(clientIds[6]).toMatch(/^x{47}-[0-9a-f]{8}-monitor$/);
  });
});
