import { describe, expect, test } from 'vitest';
import type { AnswerMessage } from '../anomaly/anomaly.ts';
import { topics } from '../transport/topics.ts';
import { createHandlerEar } from './handler-ear.ts';

const names = { sensorData: 'd', anomaly: 'a', ack: 'a/ack', status: 's' };
const answer: AnswerMessage = {
  ...{ version: 1, site: 'home', deviceId: 'pi', metric: 'temperature', rule: 'upper', installationId: 'a'.repeat(32) },
  ...{ sequence: 3, result: 'accepted', highWater: 3, handlerId: 'h', at: '2026-03-01T12:00:00Z' },
};

function setUp(options: { perDevice?: boolean; ownDevice?: string | undefined; lastSequence?: number } = {}) {
  const heard: string[] = [];
  const ear = createHandlerEar({
    topics: topics({ ...names, perDevice: options.perDevice ?? false }),
    ownDevice: 'ownDevice' in options ? options.ownDevice : 'pi',
    installationId: () => 'a'.repeat(32),
    lastSequence: () => options.lastSequence ?? 3,
    onAnswer: (key, { sequence }) => heard.push(`answer ${key} ${sequence}`),
    onBehind: () => heard.push('behind'),
    onHandlerStart: () => heard.push('start'),
  });
  const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
  return {
    heard,
    answer: (change: Partial<AnswerMessage> = {}, topic = 'a/ack') =>
      ear.onAnswer({ topic, payload: bytes({ ...answer, ...change }) }),
    status: (handlerId: string, startId: string, state = 'active') =>
      ear.onHandlerStatus({
        topic: 's/handler',
        payload: bytes({
          ...{ version: 1, kind: 'handler', handlerId, startId, state, instance: 'i' },
          ...{ startedAt: answer.at, at: answer.at },
        }),
      }),
  };
}

describe('what is heard of handlers', () => {
  test('an answer goes to its key; one that knows more than the data directory is no answer', () => {
    const { heard, answer: say } = setUp();
    say();
    say({ highWater: 4 });
    expect(heard).toEqual(['answer home/pi/temperature/upper 3', 'behind']);
  });

  test('answers to other installations and other devices are not ours', () => {
    const { heard, answer: say } = setUp({ lastSequence: 0 });
    say({ installationId: 'b'.repeat(32), highWater: 9 });
    say({ deviceId: 'another', highWater: 9 });
    expect(heard).toEqual([]);
  });

  test('a gateway hears the answers to all its devices', () => {
    const { heard, answer: say } = setUp({ ownDevice: undefined });
    say({ deviceId: 'another' });
    expect(heard).toEqual(['answer home/another/temperature/upper 3']);
  });

  test('where the topic names the device, a payload of another is not believed', () => {
    const { heard, answer: say } = setUp({ perDevice: true, ownDevice: undefined });
    say({}, 'a/ack/another');
    say({}, 'a/ack/pi');
    expect(heard).toEqual(['answer home/pi/temperature/upper 3']);
  });

  test('each start of each handler is told once; passive ones are none', () => {
    const { heard, status } = setUp();
    status('h1', 's1');
    status('h1', 's1');
    status('h2', 's2', 'passive');
    status('h2', 's3', 'claiming');
    status('h1', 's1');
    status('h1', 's4');
    expect(heard).toHaveLength(3);
  });
});
