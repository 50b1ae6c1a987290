import { createServer, request } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { serviceNowRequests } from '../../cloud/cost-optimization/needs.ts';
import { configSchema } from '../../device/config/schema.ts';
import { startHarness } from '../../device/handler/handler-harness.ts';
import { createServiceNow } from '../../device/incident/servicenow/client.ts';
import { silentLogger } from '../../device/platform/logger.ts';
import { isoUtc, systemTime } from '../../device/platform/time.ts';
import { startServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';

const password = 'canary-edge';
const settleMs = 5_000;
const quietMs = 10 * 60_000;
const noteIntervalMs = 120_000;

/** The handler with its real client against the local ServiceNow, whose requests are counted on their way. */
async function startCounted() {
  const serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger });
  onTestFinished(() => serviceNow.stop());
  serviceNow.addUser({ userName: 'edge', password, roles: ['itil'] });
  const asked: string[] = [];
  const { hostname, port } = new URL(serviceNow.url);
  const proxy = createServer((from, to) => {
    asked.push(`${from.method} ${from.url?.replace(/[?].*/, '').replace(/[0-9a-f]{32}/, '<id>')}`);
    const passed = request({ hostname, port, method: from.method, path: from.url, headers: from.headers }, (came) => {
      to.writeHead(came.statusCode ?? 502, came.headers);
      came.pipe(to);
    });
    from.pipe(passed);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = proxy.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const client = createServiceNow(
    { ...configSchema.parse({}).serviceNow, url },
    {
      secrets: {
        kind: 'test',
        get: async () => ({ ok: true, credentials: { username: 'edge', password }, version: '1' }),
      },
      logger: silentLogger,
      time: systemTime,
    },
  );
  const harness = await startHarness(
    (config) => {
      config.handler.quietMs = quietMs;
      config.handler.noteIntervalMs = noteIntervalMs;
      config.delivery.settleMs = settleMs;
    },
    { destination: () => client, chart: async () => new Uint8Array([1]) },
  );
  onTestFinished(async () => {
    await harness.close();
    await client.close();
  });
  const windowNow = (): [number, number][] => [
    [harness.time.wallMs() - 5_000, 29],
    [harness.time.wallMs(), 31],
  ];
  const pass = async (ms: number) => {
    for (let left = ms; left >= 0; left -= 30_000) {
      harness.time.advance(Math.min(Math.max(left, 0), 30_000));
      harness.heartbeat();
      for (let turns = 0; turns < 3; turns += 1) {
        await harness.settle();
        await harness.handler.idle();
      }
    }
  };
  return { asked, harness, pass, windowNow };
}

test.each([0, 1, 2])(
  'an incident with %i notes asks ServiceNow as often as the capacity is computed with',
  async (notes) => {
    const { asked, harness, pass, windowNow } = await startCounted();
    await pass(settleMs);
    // Of another key: what the handler does once in its life is not counted.
    harness.anomaly({ metric: 'anchor' });
    await pass(settleMs);
    asked.length = 0;
    const { firingSequence, startedAt } = harness.anomaly({ window: windowNow() });
    await pass(settleMs);
    for (let note = 0; note < notes; note += 1) {
      await pass(noteIntervalMs);
      harness.anomaly({ phase: 'updated', firingSequence, startedAt });
      await pass(settleMs);
    }
    const endedAt = isoUtc(harness.time.wallMs());
    harness.anomaly({
      phase: 'resolved',
      firingSequence,
      startedAt,
      endedAt,
      endReason: 'cleared',
      window: windowNow(),
    });
    await pass(quietMs + settleMs);
    expect(asked.filter((one) => one.startsWith('PATCH'))).toHaveLength(notes + 2);
    expect(asked, asked.join(', ')).toHaveLength(serviceNowRequests.anIncident + notes * serviceNowRequests.aNote);
  },
);
