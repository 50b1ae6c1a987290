import { expect, test } from 'vitest';
import { silentLogger } from '../platform/logger.ts';
import { manualTime } from '../platform/time.ts';
import { createDeploymentConfiguration } from './configuration.ts';
import type { CallName, CallResult, Ipc, IpcFailure, IpcState, Request } from './ipc.ts';

const settle = async () => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

interface Told {
  state: IpcState;
  configuration: unknown;
  failure: IpcFailure | undefined;
  changed(): void;
  proposed(event: { deploymentId: string; configuration: unknown }): void;
}

const done = { ok: true, response: {} } as const;

/** A nucleus whose answers are written by hand. */
function begin(judge: (configuration: unknown) => Promise<string | undefined> = async () => undefined) {
  const time = manualTime(1_000_000, 0);
  const changes: unknown[] = [];
  const calls: { operation: CallName; request: unknown }[] = [];
  let listeners: ((state: IpcState) => void)[] = [];
  const told: Told = {
    state: { state: 'connected' },
    configuration: { tempLimit: '30' },
    failure: undefined,
    changed: () => {},
    proposed: () => {},
  };
  const ipc = {
    start: async () => {},
    stop: async () => {},
    state: () => told.state,
    onState(listener) {
      listeners.push(listener);
      return () => {
        listeners = listeners.filter((one) => one !== listener);
      };
    },
    async call<O extends CallName>(operation: O, request: Request<O>): Promise<CallResult<O>> {
      calls.push({ operation, request });
      const answers: { [K in CallName]: CallResult<K> } = {
        GetConfiguration: { ok: true, response: { value: told.configuration } },
        UpdateState: done,
        SendConfigurationValidityReport: done,
        PublishToTopic: done,
        PublishToIoTCore: done,
        GetSecretValue: { ok: true, response: { versionId: '1', text: '' } },
      };
      return told.failure ?? answers[operation];
    },
    async open(operation, _request, listener) {
      const tell = (event: unknown) => void Reflect.apply(listener.event, undefined, [event]);
      if (operation === 'SubscribeToConfigurationUpdate') told.changed = () => tell({ keyPath: [] });
      if (operation === 'SubscribeToValidateConfigurationUpdates') told.proposed = tell;
      return { close: async () => {} };
    },
  } satisfies Ipc;
  const source = createDeploymentConfiguration({
    ...{ ipc, time, logger: silentLogger, random: () => 1, judge },
    changed: (configuration) => changes.push(configuration),
    backoff: { baseMs: 1_000, capMs: 8_000 },
  });
  return {
    ...{ source, time, told, changes, calls },
    reads: () => calls.filter(({ operation }) => operation === 'GetConfiguration').length,
    reports: () => calls.filter(({ operation }) => operation === 'SendConfigurationValidityReport'),
    async connection(state: IpcState) {
      told.state = state;
      for (const listener of listeners) listener(state);
      await settle();
    },
    async pass(ms: number) {
      time.advance(ms);
      await settle();
    },
  };
}

test('what is told is read once the changes have been quiet, however many there are', async () => {
  const s = begin();
  await s.source.start();
  await settle();
  expect(s.changes).toEqual([{ tempLimit: '30' }]);
  s.told.configuration = { tempLimit: '31', humidLimit: '50' };
  for (let leaf = 0; leaf < 50; leaf += 1) {
    s.told.changed();
    await s.pass(10);
  }
  expect(s.reads()).toBe(1);
  await s.pass(200);
  expect(s.reads()).toBe(2);
  expect(s.changes).toEqual([{ tempLimit: '30' }, { tempLimit: '31', humidLimit: '50' }]);
});

test('changes without an end are not waited for without one', async () => {
  const s = begin();
  await s.source.start();
  await settle();
  for (let passed = 0; passed < 10_000; passed += 100) {
    s.told.changed();
    await s.pass(100);
  }
  expect(s.reads()).toBeGreaterThanOrEqual(5);
  expect(s.reads()).toBeLessThanOrEqual(7);
});

test('what says the same is not told again', async () => {
  const s = begin();
  await s.source.start();
  await settle();
  s.told.changed();
  await s.pass(500);
  expect(s.reads()).toBe(2);
  expect(s.changes).toHaveLength(1);
});

test('after a reconnect it is read anew, for a change may have been missed', async () => {
  const s = begin();
  await s.source.start();
  await settle();
  await s.connection({ state: 'disconnected', reason: 'test' });
  s.told.configuration = { tempLimit: '33' };
  await s.connection({ state: 'connected' });
  expect(s.changes.at(-1)).toEqual({ tempLimit: '33' });
});

test('a read that fails is tried again with growing pauses, and rests while the nucleus is away', async () => {
  const s = begin();
  s.told.failure = { ok: false, reason: 'timeout', message: 'no answer' };
  await s.source.start();
  await settle();
  expect(s.reads()).toBe(1);
  await s.pass(999);
  expect(s.reads()).toBe(1);
  await s.pass(1);
  expect(s.reads()).toBe(2);
  await s.pass(2_000);
  expect(s.reads()).toBe(3);
  s.told.failure = { ok: false, reason: 'offline', message: 'gone' };
  await s.connection({ state: 'disconnected', reason: 'test' });
  await s.pass(60_000);
  expect(s.reads()).toBeLessThanOrEqual(4);
  s.told.failure = undefined;
  await s.connection({ state: 'connected' });
  expect(s.changes).toEqual([{ tempLimit: '30' }]);
});

test('a component without any configuration has an empty one', async () => {
  const s = begin();
  s.told.failure = { ok: false, reason: 'not-found', message: 'no such key' };
  await s.source.start();
  await expect(s.source.first()).resolves.toEqual({ configuration: {} });
});

test('a start waits so long for the first, and no longer', async () => {
  const s = begin();
  s.told.state = { state: 'disconnected', reason: 'test' };
  await s.source.start();
  const first = s.source.first(10_000);
  await s.pass(10_000);
  await expect(first).resolves.toBeUndefined();
  const unbounded = s.source.first();
  await s.connection({ state: 'connected' });
  await expect(unbounded).resolves.toEqual({ configuration: { tempLimit: '30' } });
});

test.each([
  [undefined, { deploymentId: 'd', status: 'ACCEPTED' }],
  ['tempLimit: found "hot"', { deploymentId: 'd', status: 'REJECTED', message: 'tempLimit: found "hot"' }],
  ['x'.repeat(5_000), { deploymentId: 'd', status: 'REJECTED', message: 'x'.repeat(3_000) }],
])('a proposal is answered: %.30s', async (problem, request) => {
  const s = begin(async () => problem);
  await s.source.start();
  s.told.proposed({ deploymentId: 'd', configuration: {} });
  await settle();
  expect(s.reports()).toEqual([{ operation: 'SendConfigurationValidityReport', request }]);
});

test('an answer that fails is given thrice, and not after the connection is gone', async () => {
  const s = begin();
  await s.source.start();
  await settle();
  s.told.failure = { ok: false, reason: 'busy', message: 'later' };
  s.told.proposed({ deploymentId: 'd', configuration: {} });
  await settle();
  expect(s.reports()).toHaveLength(3);
  s.told.failure = { ok: false, reason: 'offline', message: 'gone' };
  s.told.proposed({ deploymentId: 'e', configuration: {} });
  await settle();
  expect(s.reports()).toHaveLength(4);
});

test('a state that the nucleus did not hear is told again when it is back', async () => {
  const s = begin();
  await s.source.start();
  await settle();
  const states = () => s.calls.filter(({ operation }) => operation === 'UpdateState').map(({ request }) => request);
  s.told.state = { state: 'disconnected', reason: 'test' };
  await s.source.tellState('RUNNING');
  expect(states()).toEqual([]);
  await s.connection({ state: 'connected' });
  await s.connection({ state: 'connected' });
  expect(states()).toEqual([{ state: 'RUNNING' }]);
});

test('nothing is told after the stop', async () => {
  const s = begin();
  await s.source.start();
  await settle();
  s.told.configuration = { tempLimit: '31' };
  s.told.changed();
  await s.source.stop();
  await s.pass(5_000);
  expect(s.changes).toHaveLength(1);
});
