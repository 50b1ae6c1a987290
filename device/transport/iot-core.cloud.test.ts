import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { devicePolicy, type IotComponent } from '../../cloud/greengrass/iot-policy.ts';
import { account } from '../../cloud/testing/clients.ts';
import { createDevice, type Device, mqttEndpoint } from '../../cloud/testing/device.ts';
import { configSchema } from '../config/schema.ts';
import { silentLogger } from '../platform/logger.ts';
import { iotCoreConfig, iotCoreTransport } from './iot-core-stage.ts';
import { topics } from './topics.ts';
import type { CountingTransport } from './transport.ts';
import { untilState } from './transport-contract.ts';

/** The transport under the project's own policy, where rights are enforced. An AWS account's authority is no file here. */
describe.runIf(account.isLocal).each([false, true])(
  'iot-core transport and AWS IoT Core, topics per device: %s',
  (perDevice) => {
    const names = { ...configSchema.parse({}).topics, perDevice };
    const of = topics(names);
    const scope = { partition: 'aws', region: account.region, account: account.id };
    const suffix = perDevice ? 'per-device' : 'shared';
    const [pi, other, central] = [`pi-${suffix}`, `pi-${suffix}-2`, `central-${suffix}`];
    const devices = new Map<string, Device>();
    const running: CountingTransport[] = [];

    beforeAll(async () => {
      const wanted: [string, IotComponent][] = [
        [pi, 'monitor'],
        [other, 'monitor'],
        [central, 'handler'],
      ];
      for (const [thing, component] of wanted) {
        devices.set(thing, await createDevice(thing, devicePolicy(scope, names, [component])));
      }
    });
    afterEach(async () => {
      await Promise.all(running.splice(0).map((transport) => transport.stop()));
    });
    afterAll(async () => {
      for (const device of devices.values()) await device.remove();
    });

    /** A client with the certificate of one thing, by the name of that or of another. */
    async function client(thing: string, name: { thingName?: string; clientSuffix?: string } = {}) {
      const { host, port } = await mqttEndpoint();
      const files = devices.get(thing)?.files ?? { certificate: '', key: '', authority: '' };
      const config = iotCoreConfig({
        ...{ endpoint: host, port, reconnectCapMs: 60_000 },
        ...{ certFile: files.certificate, keyFile: files.key, caFile: files.authority },
      });
      const options = { maxPayloadBytes: 64_000, logger: silentLogger };
      const transport = iotCoreTransport(config, options, { thingName: thing, ...name });
      running.push(transport);
      return transport;
    }

    async function connected(...who: Parameters<typeof client>) {
      const transport = await client(...who);
      await transport.start();
      await untilState(transport, 'connected');
      return transport;
    }

    const reason = (transport: CountingTransport) => {
      const state = transport.state();
      return state.state === 'connected' ? 'connected' : state.reason;
    };

    test('what monitor and handler need passes, from a reading to an answer', async () => {
      const [monitor, handler] = [await connected(pi), await connected(central)];
      const heard: string[] = [];
      for (const filter of [of.sensorDataFilter, of.anomalyFilter, of.statusFilter]) {
        await handler.subscribe(filter, ({ topic }) => void heard.push(topic));
      }
      for (const filter of [of.ack(pi), of.handlerStatus]) {
        await monitor.subscribe(filter, ({ topic }) => void heard.push(topic));
      }
      const toHandler = [of.sensorData(pi), of.anomaly(pi), of.status(pi)];
      const toMonitor = [of.ack(pi), of.handlerStatus];
      for (const topic of toHandler) expect(await monitor.publish(topic, '{}')).toEqual({ ok: true });
      for (const topic of toMonitor) expect(await handler.publish(topic, '{}')).toEqual({ ok: true });
      // The handler hears its own status, too: its filter is for every status.
      await expect.poll(() => new Set(heard), { timeout: 10_000 }).toEqual(new Set([...toHandler, ...toMonitor]));
      expect([reason(monitor), reason(handler)]).toEqual(['connected', 'connected']);
    });

    test('a second client of the thing connects by its suffix, where the policy names the thing', async () => {
      const both = `both-${suffix}`;
      const policy = devicePolicy(scope, names, ['monitor', 'handler'], both);
      devices.set(both, await createDevice(both, policy));
      const [monitor, handler] = [await connected(both), await connected(both, { clientSuffix: 'handler' })];
      const heard: string[] = [];
      await handler.subscribe(of.anomalyFilter, ({ topic }) => void heard.push(topic));
      expect(await monitor.publish(of.anomaly(both), '{}')).toEqual({ ok: true });
      await expect.poll(() => heard, { timeout: 10_000 }).toEqual([of.anomaly(both)]);
    });

    test.each([
      ['another thing', { thingName: other }],
      ['a name that begins with its own', { thingName: `${pi}x` }],
      ['a suffix of another thing', { thingName: other, clientSuffix: '2' }],
      ['a name that no thing has', { thingName: 'nobody' }],
    ])('another client id is refused, and the statement is named: %s', async (_what, name) => {
      const transport = await client(pi, name);
      await transport.start();
      const clientId = 'clientSuffix' in name ? `${name.thingName}#${name.clientSuffix}` : name.thingName;
      await expect.poll(() => reason(transport), { timeout: 10_000 }).toContain('refuses the client id');
      expect(reason(transport)).toContain(`allow iot:Connect on arn:aws:iot:<region>:<account>:client/${clientId} `);
    });

    const foreign = perDevice
      ? [of.sensorData(other), of.anomaly(other)]
      : [`${names.sensorData}/x`, `${names.anomaly}/x`];
    test.each([
      ...foreign,
      of.status(other),
      of.ack(pi),
      of.handlerStatus,
      'IoTBlog/other',
      'other',
      `$aws/things/${pi}/shadow/update`,
      `$aws/things/${other}/shadow/update`,
    ])('a monitor may not publish on %s, is told the statement, and goes on', async (topic) => {
      const monitor = await connected(pi);
      const refused = await monitor.publish(topic, '{}');
      expect(refused).toMatchObject({ ok: false, reason: 'unauthorized' });
      expect(JSON.stringify(refused)).toContain(`allow iot:Publish on arn:aws:iot:<region>:<account>:topic/${topic} `);
      await untilState(monitor, 'connected');
      expect(await monitor.publish(of.sensorData(pi), '{}')).toEqual({ ok: true });
    });

    test.each([
      '#',
      '+/+',
      'IoTBlog/#',
      of.anomalyFilter,
      of.sensorDataFilter,
      of.statusFilter,
      `${names.ack}/#`,
      ...(perDevice ? [of.ackFilter, of.ack(other)] : []),
      `$aws/things/${other}/#`,
    ])('a monitor may not subscribe to %s, and is told the statement', async (filter) => {
      const monitor = await connected(pi);
      await monitor.subscribe(filter, () => {});
      await expect.poll(() => reason(monitor), { timeout: 10_000 }).toContain('refuses the subscription');
      expect(reason(monitor)).toContain(`iot:Subscribe on arn:aws:iot:<region>:<account>:topicfilter/${filter} `);
    });
  },
);
