import { describe, expect, test } from 'vitest';
import { createIpcClient } from '../greengrass/ipc-client.ts';
import { accessToAll, nucleusStage } from '../greengrass/test-nucleus-stage.ts';
import { silentLogger } from '../platform/logger.ts';
import { systemTime } from '../platform/time.ts';
import { createGreengrassTransport } from './greengrass-ipc.ts';
import { transportContract, untilState } from './transport-contract.ts';

describe.each(['classic', 'lite'] as const)('Greengrass transport on a %s nucleus', (kind) => {
  transportContract({
    lastWill: false,
    silence: true,
    largestBytes: 7_000,
    badOptions: {
      async 'not started by a nucleus'() {
        const deps = { component: 'monitor', logger: silentLogger, time: systemTime, random: Math.random };
        const ipc = createIpcClient({ env: {}, ...deps });
        return createGreengrassTransport({ maxPayloadBytes: 7_000 }, { ipc, logger: silentLogger });
      },
    },
    async open() {
      const { nucleus, ipc, close } = await nucleusStage({ kind });
      return {
        async client(name, { maxPayloadBytes, logger }) {
          return {
            transport: createGreengrassTransport({ maxPayloadBytes }, { ipc: ipc(name), logger }),
            cut() {
              nucleus.setOpen(name, false);
              nucleus.cut(name);
            },
            restore: () => nucleus.setOpen(name, true),
            silence: () => nucleus.silence(name),
          };
        },
        close,
      };
    },
  });
});

test('to the cloud goes what is meant for it, and nothing else', async () => {
  const { nucleus, ipc, close } = await nucleusStage();
  const transport = createGreengrassTransport({ maxPayloadBytes: 7_000 }, { ipc: ipc(), logger: silentLogger });
  await transport.start();
  await untilState(transport, 'connected');
  await transport.publish('IoTBlog/status/x', 'local');
  expect(await transport.cloud?.publish('IoTBlog/sensorData', 'reading', { qos: 0 })).toEqual({ ok: true });
  expect(await transport.cloud?.publish('IoTBlog/anomaly', 'firing')).toEqual({ ok: true });
  expect(nucleus.cloud.map(({ topic, qos }) => [topic, qos])).toEqual([
    ['IoTBlog/sensorData', '0'],
    ['IoTBlog/anomaly', '1'],
  ]);
  await transport.stop();
  await close();
});

test('offline a classic nucleus takes anomalies until its spool is full; Nucleus Lite takes none', async () => {
  for (const [kind, answers] of [
    ['classic', [true, true, 'busy']],
    ['lite', ['busy', 'busy', 'busy']],
  ] as const) {
    const { nucleus, ipc, close } = await nucleusStage({ kind, spool: 2 });
    const transport = createGreengrassTransport({ maxPayloadBytes: 7_000 }, { ipc: ipc(), logger: silentLogger });
    await transport.start();
    await untilState(transport, 'connected');
    nucleus.setOnline(false);
    const told: unknown[] = [];
    for (const text of ['1', '2', '3']) {
      const result = await transport.cloud?.publish('IoTBlog/anomaly', text);
      told.push(result?.ok || result?.reason);
    }
    expect(told).toEqual(answers);
    nucleus.setOnline(true);
    expect(await transport.cloud?.publish('IoTBlog/anomaly', '4')).toEqual({ ok: true });
    await transport.stop();
    await close();
  }
});

test('a subscription that is not allowed is the state of the transport, with what to add, until it is allowed', async () => {
  const { nucleus, ipc, close } = await nucleusStage();
  const transport = createGreengrassTransport(
    { maxPayloadBytes: 7_000 },
    { ipc: ipc('handler', {}), logger: silentLogger },
  );
  await transport.start();
  await untilState(transport, 'connected');
  await transport.subscribe('IoTBlog/anomaly', () => {});
  expect(transport.state()).toEqual({
    state: 'disconnected',
    reason: expect.stringContaining("operations: ['aws.greengrass#SubscribeToTopic']"),
  });
  expect(await transport.publish('IoTBlog/anomaly', 'local')).toMatchObject({ reason: 'offline' });
  nucleus.configure('handler', { accessControl: accessToAll });
  await untilState(transport, 'connected');
  await transport.stop();
  await close();
});

test('a subscription that is not allowed does not keep anything from the cloud', async () => {
  const { nucleus, ipc, close } = await nucleusStage();
  const publishing = { 'aws.greengrass.ipc.mqttproxy': accessToAll['aws.greengrass.ipc.mqttproxy'] };
  const transport = createGreengrassTransport(
    { maxPayloadBytes: 7_000 },
    { ipc: ipc('monitor', { accessControl: publishing }), logger: silentLogger },
  );
  await transport.start();
  await untilState(transport, 'connected');
  await transport.subscribe('IoTBlog/status/handler', () => {});
  expect([transport.state().state, transport.cloud?.state().state]).toEqual(['disconnected', 'connected']);
  expect(await transport.cloud?.publish('IoTBlog/sensorData', 'reading', { qos: 0 })).toEqual({ ok: true });
  const told: string[] = [];
  transport.cloud?.onState(({ state }) => told.push(state));
  nucleus.cut('monitor');
  await expect.poll(() => told).toEqual(['disconnected', 'connected']);
  await transport.stop();
  await close();
});
