import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { anomalyMessage } from '../anomaly/anomaly.ts';
import { configSchema } from '../config/schema.ts';
import type { Fault } from '../greengrass/test-ipc-server.ts';
import { nucleusStage } from '../greengrass/test-nucleus-stage.ts';
import { createHandler } from '../handler/handler.ts';
import { incidentTexts } from '../incident/texts.ts';
import { silentLogger } from '../platform/logger.ts';
import { systemTime } from '../platform/time.ts';
import type { SampleSink } from '../sensor/source.ts';
import { createMemoryDestination } from '../simulation/memory-destination.ts';
import { createGreengrassTransport } from '../transport/greengrass-ipc.ts';
import { topics } from '../transport/topics.ts';
import { untilState } from '../transport/transport-contract.ts';
import { fixedClock } from './machine-clock.ts';
import { createMonitor } from './monitor.ts';

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Both components as they are, two clients of the SDK on one nucleus, over an incident table in memory. */
async function startWorld(kind: 'classic' | 'lite', spool = 1_000) {
  const config = configSchema.parse({
    thresholds: { temperature: { upper: 30, onDelayMs: 0 }, humidity: { upper: 50, onDelayMs: 0 } },
    noData: { afterMs: 3_600_000 },
    monitor: { resendBaseMs: 10, resendCapMs: 40 },
    handler: { claimMs: 0, quietMs: 0 },
    delivery: { settleMs: 0 },
    serviceNow: { attachChart: false },
    store: { reserveBytes: 0 },
  });
  const stage = await nucleusStage({ kind, spool });
  closing.push(stage.close);
  const makeFolder = () => {
    const folder = mkdtempSync(join(tmpdir(), 'greengrass-'));
    closing.push(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  };
  const connect = async (name: string) => {
    const transport = createGreengrassTransport(config.transport, { ipc: stage.ipc(name), logger: silentLogger });
    closing.push(() => transport.stop());
    await transport.start();
    await untilState(transport, 'connected');
    return transport;
  };
  let ids = 1;
  const common = {
    ...{ config, time: systemTime, deliveryTime: systemTime, topics: topics(config.topics), logger: silentLogger },
    ...{ random: Math.random, newId: () => (ids++).toString(16).padStart(32, 'c') },
  };
  const destination = createMemoryDestination(systemTime);
  const texts = incidentTexts({ timeZone: 'UTC', clock: systemTime });
  const handler = createHandler({
    ...{ ...common, transport: await connect('handler'), destination, texts, chart: undefined },
    dataDir: makeFolder(),
  });
  let sink: SampleSink | undefined;
  const monitor = createMonitor({
    ...{ ...common, configVersion: 'test', software: 'test/1', machineClock: fixedClock('boot') },
    ...{ transport: await connect('monitor'), dataDir: makeFolder() },
    source: {
      kind: 'test',
      describe: () => 'test',
      async start(target) {
        sink = target;
      },
      async stop() {},
      stats: () => ({ read: 0, failed: 0, skipped: 0 }),
    },
  });
  for (const component of [handler, monitor]) {
    closing.push(() => component.stop());
    await component.start();
  }
  const read = (temperature: number) =>
    sink?.sample({ atMs: Date.now(), monotonicMs: systemTime.monotonicMs(), metrics: { temperature } });
  const cloudAnomalies = () =>
    stage.nucleus.cloud.flatMap(({ topic, payload }) =>
      topic === 'IoTBlog/anomaly' ? [anomalyMessage.parse(JSON.parse(payload))] : [],
    );
  return { nucleus: stage.nucleus, monitor, handler, destination, read, cloudAnomalies };
}

type World = Awaited<ReturnType<typeof startWorld>>;

const patient = { timeout: 15_000, interval: 5 };

async function breach({ read, monitor }: World): Promise<void> {
  read(31);
  await expect.poll(() => monitor.status().messages.waiting, patient).toBe(0);
  read(25);
}

/** Both destinations have been told of everything. */
async function untilTold({ monitor }: World): Promise<void> {
  const waiting = () => [monitor.status().messages.waiting, monitor.status().cloud?.messages.waiting];
  await expect.poll(waiting, patient).toEqual([0, 0]);
}

describe.each(['classic', 'lite'] as const)('monitor and handler on a %s nucleus', (kind) => {
  test('a reading goes to both, an anomaly to both, and answers and status stay local', async () => {
    const world = await startWorld(kind);
    await breach(world);
    await untilTold(world);
    await expect.poll(() => world.destination.rows.map(({ state }) => state), patient).toEqual(['resolved']);
    expect(world.cloudAnomalies().map(({ phase }) => phase)).toEqual(['firing', 'resolved']);
    const readings = () => world.nucleus.cloud.filter(({ topic }) => topic === 'IoTBlog/sensorData');
    await expect.poll(() => readings().length, patient).toBe(2);
    const topicsOf = (operation: string) =>
      new Set(world.nucleus.calls.flatMap((call) => (call.operation === operation ? [call.request] : [])).map(topicOf));
    expect(topicsOf('PublishToIoTCore')).toEqual(new Set(['IoTBlog/sensorData', 'IoTBlog/anomaly']));
    expect(topicsOf('PublishToTopic')).toEqual(
      new Set([
        ...['IoTBlog/sensorData', 'IoTBlog/anomaly', 'IoTBlog/anomaly/ack'],
        ...['IoTBlog/status/IoT-blog_Core', 'IoTBlog/status/handler'],
      ]),
    );
  });

  test('a connection cut in the middle of any call loses nothing, here or in the cloud', async () => {
    const world = await startWorld(kind);
    const faults: Fault[] = [
      { what: 'cut', when: 'before it is done' },
      { what: 'cut', when: 'before the reply' },
      { what: 'cut', when: 'in the reply' },
    ];
    const calls = [
      ['PublishToTopic', 'monitor'],
      ['PublishToIoTCore', 'monitor'],
      ['PublishToTopic', 'handler'],
      ['SubscribeToTopic', 'monitor'],
      ['SubscribeToTopic', 'handler'],
    ] as const;
    let breaches = 0;
    for (const [operation, component] of calls) {
      for (const fault of faults) {
        world.nucleus.next(operation, fault, component);
        if (operation === 'SubscribeToTopic') world.nucleus.cut(component);
        await breach(world);
        breaches += 1;
      }
    }
    await untilTold(world);
    await expect.poll(() => world.destination.rows.map(({ state }) => state), patient).toEqual(['resolved']);
    expect(world.monitor.status().messages).toEqual({ waiting: 0, rejected: 0, unreported: 0 });
    const resolved = world.cloudAnomalies().filter(({ phase }) => phase === 'resolved');
    expect(new Set(resolved.map(({ id }) => id)).size).toBe(breaches);
    expect([world.nucleus.connections('monitor'), world.nucleus.connections('handler')]).toEqual([1, 1]);
  }, 60_000);

  test('a core that is off the internet opens incidents as ever, and the cloud hears of each breach afterwards', async () => {
    const world = await startWorld(kind, 2);
    world.nucleus.setOnline(false);
    for (let breaches = 0; breaches < 4; breaches += 1) await breach(world);
    await expect.poll(() => world.destination.rows.map(({ state }) => state), patient).toEqual(['resolved']);
    expect(world.cloudAnomalies()).toEqual([]);
    expect(world.monitor.status().cloud?.messages.waiting).toBeGreaterThan(0);
    world.nucleus.setOnline(true);
    await untilTold(world);
    const resolved = world.cloudAnomalies().filter(({ phase }) => phase === 'resolved');
    expect(new Set(resolved.map(({ id }) => id)).size).toBe(4);
  }, 30_000);
});

function topicOf(request: Record<string, unknown>): string {
  return String(request['topic'] ?? request['topicName']);
}
