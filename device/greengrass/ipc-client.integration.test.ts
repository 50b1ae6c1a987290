import { fork } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../platform/logger.ts';
import { manualTime, systemTime } from '../platform/time.ts';
import type { CallName, CallResult, Ipc, IpcFailure, Request } from './ipc.ts';
import { createIpcClient } from './ipc-client.ts';
import type { Fault } from './test-ipc-server.ts';
import { accessToAll, type NucleusStage, nucleusStage, untilIpc } from './test-nucleus-stage.ts';

let stage: NucleusStage;

afterEach(() => stage.close());

async function started(name = 'component', configuration?: Record<string, unknown>): Promise<Ipc> {
  const ipc = stage.ipc(name, configuration);
  await ipc.start();
  await untilIpc(ipc, 'connected');
  return ipc;
}

const bytes = (text: string) => Buffer.from(text);
const publish = (ipc: Ipc, text: string, topic = 'IoTBlog/anomaly') =>
  ipc.call('PublishToTopic', { topic, payload: bytes(text) });

/** What came on a subscription, as texts. */
async function listen(ipc: Ipc, topic: string): Promise<{ texts: string[]; close(): Promise<void> }> {
  const texts: string[] = [];
  const stream = await ipc.open('SubscribeToTopic', { topic }, { event: ({ payload }) => texts.push(String(payload)) });
  return { texts, close: stream.close };
}

const secretArn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:greengrass-snow-creds-a1B2c3';
const putSecret = (versionId: string, text: string) =>
  stage.nucleus.putSecret({ arn: secretArn, name: 'greengrass-snow-creds', versionId, value: { secretString: text } });

describe('what the nucleus does for a component', () => {
  test('a message of one component comes to another, and to itself', async () => {
    stage = await nucleusStage();
    const [monitor, handler] = [await started('monitor'), await started('handler')];
    const [own, other] = [await listen(monitor, 'IoTBlog/+'), await listen(handler, 'IoTBlog/anomaly')];
    expect(await publish(monitor, 'firing')).toEqual({ ok: true, response: {} });
    await expect.poll(() => [own.texts, other.texts]).toEqual([['firing'], ['firing']]);
  });

  test('a message goes to AWS IoT Core, and one comes from there', async () => {
    stage = await nucleusStage();
    const ipc = await started();
    const came: string[] = [];
    await ipc.open(
      'SubscribeToIoTCore',
      { topicFilter: 'cmd/#', qos: 1 },
      { event: ({ topic, payload }) => came.push(`${topic} ${payload}`) },
    );
    await ipc.call('PublishToIoTCore', { topic: 'IoTBlog/anomaly', payload: bytes('firing'), qos: 1 });
    stage.nucleus.fromCloud('cmd/x', 'go');
    await expect.poll(() => came).toEqual(['cmd/x go']);
    expect(stage.nucleus.cloud).toEqual([
      { topic: 'IoTBlog/anomaly', payload: 'firing', qos: '1', component: 'component' },
    ]);
  });

  test('a secret comes from the copy, and anew when that is asked for', async () => {
    stage = await nucleusStage();
    const ipc = await started();
    putSecret('v1', 'one');
    expect(await ipc.call('GetSecretValue', { secretId: secretArn })).toMatchObject({
      response: { versionId: 'v1', text: 'one' },
    });
    putSecret('v2', 'two');
    expect(await ipc.call('GetSecretValue', { secretId: 'greengrass-snow-creds' })).toMatchObject({
      response: { versionId: 'v1' },
    });
    expect(await ipc.call('GetSecretValue', { secretId: secretArn, refresh: true })).toMatchObject({
      response: { versionId: 'v2', text: 'two' },
    });
  });

  test('a value of the configuration is read whole and as a leaf, and its change is told', async () => {
    stage = await nucleusStage();
    const ipc = await started('component', { tempLimit: '30', detection: { humidity: { upper: '50' } } });
    const read = async (...keyPath: string[]) => {
      const result = await ipc.call('GetConfiguration', { keyPath });
      return result.ok ? result.response.value : result.reason;
    };
    expect(await read()).toEqual({ tempLimit: '30', detection: { humidity: { upper: '50' } } });
    expect(await read('tempLimit')).toBe('30');
    expect(await read('detection')).toEqual({ humidity: { upper: '50' } });
    expect(await read('absent')).toBe('not-found');
    const changed: string[] = [];
    await ipc.open(
      'SubscribeToConfigurationUpdate',
      { keyPath: [] },
      { event: ({ keyPath }) => changed.push(keyPath.join('/')) },
    );
    stage.nucleus.configure('component', { tempLimit: '25' });
    await expect.poll(() => changed).toEqual(['tempLimit']);
    expect(await read('tempLimit')).toBe('25');
  });

  test('a configuration that a deployment proposes is judged', async () => {
    stage = await nucleusStage();
    const ipc = await started();
    await ipc.open(
      'SubscribeToValidateConfigurationUpdates',
      {},
      {
        event({ deploymentId, configuration }) {
          const message = JSON.stringify(configuration);
          void ipc.call('SendConfigurationValidityReport', { deploymentId, status: 'REJECTED', message });
        },
      },
    );
    expect(await stage.nucleus.propose('component', { tempLimit: 'hot' })).toEqual({
      ...{ status: 'REJECTED', deploymentId: 'deployment-1', message: '{"tempLimit":"hot"}' },
    });
  });

  test('a state is told', async () => {
    stage = await nucleusStage();
    const ipc = await started();
    await ipc.call('UpdateState', { state: 'RUNNING' });
    expect(stage.nucleus.states).toEqual([{ component: 'component', state: 'RUNNING' }]);
  });
});

describe('what the nucleus refuses', () => {
  const topic = { topic: 'IoTBlog/anomaly', payload: bytes('m') };

  test.each<[CallName, Request<CallName>, string, string]>([
    ['PublishToTopic', topic, 'aws.greengrass.ipc.pubsub', 'IoTBlog/anomaly'],
    ['PublishToIoTCore', { ...topic, qos: 1 as const }, 'aws.greengrass.ipc.mqttproxy', 'IoTBlog/anomaly'],
    ['GetSecretValue', { secretId: secretArn }, 'aws.greengrass.SecretManager', secretArn],
  ])('%s without access is told with the lines to add to the recipe', async (operation, request, service, resource) => {
    stage = await nucleusStage();
    const ipc = await started('sensor-monitor', {});
    const result: CallResult<CallName> = await ipc.call(operation, request);
    expect(result).toMatchObject({ ok: false, reason: 'unauthorized' });
    expect(!result.ok && result.message).toContain(`  ${service}:\n    'sensor-monitor:`);
    expect(!result.ok && result.message).toContain(`operations: ['aws.greengrass#${operation}']`);
    expect(!result.ok && result.message).toContain(`resources: ['${resource}']`);
  });

  test('a refused subscription is told once, and stands as soon as it is allowed', async () => {
    stage = await nucleusStage();
    const ipc = await started('handler', {});
    const refused: IpcFailure[] = [];
    let opened = 0;
    await ipc.open(
      'SubscribeToTopic',
      { topic: 'IoTBlog/status/+' },
      { event() {}, opened: () => (opened += 1), refused: (failure) => refused.push(failure) },
    );
    await expect.poll(() => stage.nucleus.calls.length).toBeGreaterThan(2);
    expect(refused).toEqual([{ ok: false, reason: 'unauthorized', message: expect.any(String) }]);
    expect(refused[0]?.message).toContain("resources: ['IoTBlog/status/*']");
    stage.nucleus.configure('handler', { accessControl: accessToAll });
    await expect.poll(() => opened).toBe(1);
    expect(stage.nucleus.streams('handler')).toBe(1);
  });

  test.each([
    ['ResourceNotFoundError', 'not-found'],
    ['ServiceError', 'busy'],
    ['InvalidArgumentsError', 'failed'],
    ['ConflictError', 'failed'],
    ['UnauthorizedError', 'unauthorized'],
  ])('the error %s is %s, and the next call goes', async (code, reason) => {
    stage = await nucleusStage();
    const ipc = await started();
    const request = { topic: 'x', payload: bytes('m'), qos: 1 as const };
    stage.nucleus.next('PublishToIoTCore', { what: 'refuse', code, message: 'not now' });
    expect(await ipc.call('PublishToIoTCore', request)).toMatchObject({ ok: false, reason });
    expect(await ipc.call('PublishToIoTCore', request)).toMatchObject({ ok: true });
  });

  test('what Nucleus Lite does not have is unsupported, and a stream of it is not asked for again', async () => {
    stage = await nucleusStage({ kind: 'lite' });
    const ipc = await started();
    expect(await ipc.call('GetSecretValue', { secretId: secretArn })).toMatchObject({ reason: 'unsupported' });
    const refused: IpcFailure[] = [];
    await ipc.open(
      'SubscribeToValidateConfigurationUpdates',
      {},
      { event() {}, refused: (failure) => refused.push(failure) },
    );
    expect(refused).toMatchObject([{ reason: 'unsupported' }]);
    for (let calls = 0; calls < 20; calls += 1) await publish(ipc, 'm');
    expect(stage.nucleus.calls.filter(({ operation }) => operation.includes('Validate'))).toHaveLength(1);
  });

  test('a message that would make Nucleus Lite end the connection is not sent, the longest allowed goes', async () => {
    stage = await nucleusStage({ kind: 'lite' });
    const ipc = await started();
    expect(await publish(ipc, 'm'.repeat(7_200))).toMatchObject({ ok: false, reason: 'too-large' });
    expect(await publish(ipc, 'm'.repeat(7_000))).toMatchObject({ ok: true });
    expect(
      await ipc.call('PublishToIoTCore', { topic: 'IoTBlog/anomaly', payload: bytes('m'.repeat(7_000)), qos: 1 }),
    ).toMatchObject({ ok: true });
    expect(stage.nucleus.connections()).toBe(1);
  });

  test('two hundred publishes at once to AWS IoT Core all go through Nucleus Lite, in order', async () => {
    stage = await nucleusStage({ kind: 'lite' });
    const ipc = await started();
    const texts = Array.from({ length: 200 }, (_, index) => String(index));
    const results = await Promise.all(
      texts.map((text) => ipc.call('PublishToIoTCore', { topic: 'x', payload: bytes(text), qos: 1 })),
    );
    expect(results.every(({ ok }) => ok)).toBe(true);
    expect(stage.nucleus.cloud.map(({ payload }) => payload)).toEqual(texts);
  });
});

describe('a connection that ends', () => {
  const cuts: Fault[] = [
    { what: 'cut', when: 'before it is done' },
    { what: 'cut', when: 'before the reply' },
    { what: 'cut', when: 'in the reply' },
  ];
  const requests: { [O in CallName]: Request<O> } = {
    PublishToTopic: { topic: 'x', payload: bytes('m') },
    PublishToIoTCore: { topic: 'x', payload: bytes('m'), qos: 1 },
    GetSecretValue: { secretId: secretArn },
    GetConfiguration: { keyPath: ['tempLimit'] },
    UpdateState: { state: 'RUNNING' },
    SendConfigurationValidityReport: { deploymentId: 'd', status: 'ACCEPTED' },
  };
  const names: CallName[] = ['PublishToTopic', 'PublishToIoTCore', 'GetSecretValue', 'GetConfiguration', 'UpdateState'];

  test.each(names.flatMap((operation) => cuts.map((fault) => [operation, fault] as const)))(
    'in the middle of %s (%j) is told as offline, and the same call goes afterwards',
    async (operation, fault) => {
      stage = await nucleusStage();
      const ipc = await started('component', { accessControl: accessToAll, tempLimit: '30' });
      putSecret('v1', 'one');
      const { texts } = await listen(ipc, 'y');
      stage.nucleus.next(operation, fault);
      const result: CallResult<CallName> = await ipc.call(operation, requests[operation]);
      expect(result).toMatchObject({ ok: false, reason: 'offline' });
      await untilIpc(ipc, 'connected');
      const again: CallResult<CallName> = await ipc.call(operation, requests[operation]);
      expect(again).toMatchObject({ ok: true });
      await publish(ipc, 'heard', 'y');
      await expect.poll(() => texts).toEqual(['heard']);
      expect(stage.nucleus.connections()).toBe(1);
    },
  );

  test('in the middle of a validity report: the report is asked for again by the nucleus, and given', async () => {
    stage = await nucleusStage();
    const ipc = await started();
    const results: string[] = [];
    await ipc.open(
      'SubscribeToValidateConfigurationUpdates',
      {},
      {
        event({ deploymentId }) {
          void ipc
            .call('SendConfigurationValidityReport', { deploymentId, status: 'ACCEPTED' })
            .then((result) => results.push(result.ok ? 'ok' : result.reason));
        },
      },
    );
    for (const fault of cuts) {
      stage.nucleus.next('SendConfigurationValidityReport', fault);
      void stage.nucleus.propose('component', {});
      await untilIpc(ipc, 'disconnected');
      await untilIpc(ipc, 'connected');
    }
    await stage.nucleus.propose('component', {});
    await expect.poll(() => results).toEqual(['offline', 'offline', 'offline', 'ok']);
  });

  test.each(cuts)('in the middle of a subscription (%j): it stands after the reconnect', async (fault) => {
    stage = await nucleusStage();
    const ipc = await started();
    stage.nucleus.next('SubscribeToTopic', fault);
    const { texts } = await listen(ipc, 'x');
    await expect.poll(() => stage.nucleus.streams()).toBe(1);
    await untilIpc(ipc, 'connected');
    await publish(ipc, 'm', 'x');
    await expect.poll(() => texts).toEqual(['m']);
  });

  test('twenty times over leaves one connection and each stream once', async () => {
    stage = await nucleusStage();
    const ipc = await started();
    let opened = 0;
    const texts: string[] = [];
    await ipc.open(
      'SubscribeToTopic',
      { topic: 'x' },
      { event: ({ payload }) => texts.push(String(payload)), opened: () => (opened += 1) },
    );
    for (let cut = 0; cut < 20; cut += 1) {
      stage.nucleus.cut();
      await untilIpc(ipc, 'disconnected');
      await untilIpc(ipc, 'connected');
    }
    await publish(ipc, 'm', 'x');
    await expect.poll(() => texts).toEqual(['m']);
    expect([opened, stage.nucleus.connections(), stage.nucleus.streams()]).toEqual([21, 1, 1]);
  });

  test('a nucleus that refuses the connection is asked again, and while it does every call is offline at once', async () => {
    stage = await nucleusStage();
    const ipc = stage.ipc();
    stage.nucleus.setOpen('component', false);
    await ipc.start();
    expect(await publish(ipc, 'm')).toMatchObject({ ok: false, reason: 'offline' });
    await expect.poll(() => ipc.state()).toMatchObject({ reason: expect.stringContaining('connection closed') });
    stage.nucleus.setOpen('component', true);
    await untilIpc(ipc, 'connected');
    expect(await publish(ipc, 'm')).toMatchObject({ ok: true });
  });
});

describe('a nucleus that says nothing', () => {
  test('a call ends in its time, or when it is given up', async () => {
    stage = await nucleusStage();
    const ipc = await started();
    stage.nucleus.silence('component');
    const request = { topic: 'x', payload: bytes('m') };
    expect(await ipc.call('PublishToTopic', request, { timeoutMs: 20 })).toMatchObject({ reason: 'timeout' });
    const abort = new AbortController();
    const call = ipc.call('PublishToTopic', request, { signal: abort.signal });
    abort.abort();
    expect(await call).toMatchObject({ reason: 'closed' });
  });

  test('three calls in a row without an answer are answered by a new connection', async () => {
    stage = await nucleusStage();
    const ipc = await started();
    stage.nucleus.silence('component');
    const request = { topic: 'x', payload: bytes('m') };
    for (const reason of ['timeout', 'timeout', 'offline']) {
      expect(await ipc.call('PublishToTopic', request, { timeoutMs: 20 })).toMatchObject({ reason });
    }
    await untilIpc(ipc, 'connected');
    expect(await ipc.call('PublishToTopic', request)).toMatchObject({ ok: true });
    await expect.poll(() => stage.nucleus.connections()).toBe(1);
  });

  test('a stop settles what waits', async () => {
    stage = await nucleusStage();
    const ipc = await started();
    stage.nucleus.silence('component');
    const calls = Array.from({ length: 50 }, () => publish(ipc, 'm'));
    await ipc.stop();
    for (const result of await Promise.all(calls)) expect(result).toMatchObject({ reason: 'closed' });
    expect(await publish(ipc, 'm')).toMatchObject({ reason: 'closed' });
    await expect.poll(() => stage.nucleus.connections()).toBe(0);
  });
});

test('a process that was not started by a nucleus is told so, and what to do', async () => {
  stage = await nucleusStage();
  const deps = { component: 'sensor-monitor', logger: silentLogger, time: systemTime, random: Math.random };
  for (const env of [{}, { SVCUID: 't' }, { AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT: '/x' }]) {
    const ipc = createIpcClient({ ...deps, env });
    await expect(ipc.start()).rejects.toMatchObject({
      reason: 'not-under-greengrass',
      message: expect.stringMatching(/^sensor-monitor needs a Greengrass nucleus, .* transport\.kind to mqtt/),
    });
  }
});

test('pauses between attempts grow up to their longest', async () => {
  stage = await nucleusStage();
  const time = manualTime();
  const attempts: number[] = [];
  const ipc = stage.ipc(
    'component',
    {},
    {
      time,
      random: () => 0.999,
      backoff: { baseMs: 100, capMs: 1_000 },
      async connect() {
        attempts.push(time.monotonicMs());
        throw new Error('refused');
      },
    },
  );
  await ipc.start();
  for (let ms = 0; ms < 4_000; ms += 1) {
    time.advance(1);
    await Promise.resolve().then(() => {});
    await new Promise((resolve) => setImmediate(resolve));
  }
  const pauses = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
  expect(pauses.slice(0, 5).map((pause) => Math.round(pause / 100) * 100)).toEqual([100, 200, 400, 800, 1_000]);
});

test('a process that has stopped its connection ends by itself', async () => {
  stage = await nucleusStage();
  const env = stage.nucleus.component('component', { accessControl: accessToAll });
  const child = fork(new URL('./test-short-life.ts', import.meta.url), {
    env: { ...process.env, ...env },
    execArgv: ['--import', 'tsx'],
    stdio: 'inherit',
  });
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(stage.nucleus.calls.map(({ operation }) => operation)).toEqual(['SubscribeToTopic', 'PublishToTopic']);
});
