import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configSchema } from '../config/schema.ts';
import { topicMatcher, topicProblem } from './topic-filter.ts';
import { decodeLevel, handlerDevice, topics } from './topics.ts';

const names = configSchema.parse({}).topics;
const shared = topics({ ...names, perDevice: false });
const perDevice = topics({ ...names, perDevice: true });

const hostileIds = [
  'a/b',
  '+',
  '#',
  'a+b',
  '%',
  '%2F',
  'a%2Fb',
  '%61',
  '..',
  '$SYS',
  'ü 温度 🌡',
  'a\u0085b',
  'a\uffffb',
  ' ',
];

describe('topic names', () => {
  test('are those of the post, with the status of each device apart', () => {
    expect(shared.sensorData('pi')).toBe('IoTBlog/sensorData');
    expect(shared.anomaly('pi')).toBe('IoTBlog/anomaly');
    expect(shared.ack('pi')).toBe('IoTBlog/anomaly/ack');
    expect(shared.status('pi')).toBe('IoTBlog/status/pi');
    expect(shared.handlerStatus).toBe('IoTBlog/status/handler');
    expect([shared.sensorDataFilter, shared.anomalyFilter, shared.statusFilter]).toEqual([
      'IoTBlog/sensorData',
      'IoTBlog/anomaly',
      'IoTBlog/status/+',
    ]);
  });

  test('have the device last on a broker that several devices share', () => {
    expect(perDevice.sensorData('pi')).toBe('IoTBlog/sensorData/pi');
    expect(perDevice.anomaly('pi')).toBe('IoTBlog/anomaly/from/pi');
    expect(perDevice.ack('pi')).toBe('IoTBlog/anomaly/ack/pi');
    expect(perDevice.status('pi')).toBe('IoTBlog/status/pi');
    expect([perDevice.sensorDataFilter, perDevice.anomalyFilter, perDevice.statusFilter]).toEqual([
      'IoTBlog/sensorData/+',
      'IoTBlog/anomaly/from/+',
      'IoTBlog/status/+',
    ]);
  });

  test('no answer of the handler is taken for an anomaly', () => {
    for (const of of [shared, perDevice]) expect(topicMatcher(of.anomalyFilter)(of.ack('from'))).toBe(false);
  });

  test.each(hostileIds)('the topics of device %j can be used, are matched by the filters, and name it', (id) => {
    for (const topic of [perDevice.sensorData(id), perDevice.anomaly(id), perDevice.ack(id), perDevice.status(id)]) {
      expect(topicProblem(topic)).toBeUndefined();
      expect(perDevice.deviceOf(topic)).toBe(id);
    }
    expect(topicMatcher(perDevice.sensorDataFilter)(perDevice.sensorData(id))).toBe(true);
    expect(topicMatcher(perDevice.anomalyFilter)(perDevice.anomaly(id))).toBe(true);
    expect(topicMatcher(shared.statusFilter)(shared.status(id))).toBe(true);
    expect(shared.deviceOf(shared.status(id))).toBe(id);
  });

  test('no two devices share a topic, and every topic names its device', () => {
    const id = fc.oneof(fc.constantFrom(...hostileIds), fc.string({ unit: 'binary', minLength: 1, maxLength: 10 }));
    fc.assert(
      fc.property(id, id, (one, other) => {
        expect(perDevice.deviceOf(perDevice.status(one))).toBe(one);
        expect(perDevice.status(one) === perDevice.status(other)).toBe(one === other);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['another way to write a letter', '%70i'],
    ['the reserved id, encoded', '%68andler'],
    ['lower-case digits', 'a%2fb'],
    ['what is no encoding', 'a%b'],
    ['bytes that are no UTF-8', '%ff'],
  ])('a level encoded in another way stands for itself alone: %s', (_what, level) => {
    expect(decodeLevel(level)).toBe(level);
    expect(perDevice.deviceOf(`IoTBlog/status/${level}`)).toBe(level);
  });

  test('the reserved id is the handler’s topic, so that whoever takes it is seen', () => {
    expect(shared.deviceOf(shared.handlerStatus)).toBe(handlerDevice);
    expect(shared.status(handlerDevice)).toBe(shared.handlerStatus);
    expect(() => configSchema.parse({ deviceId: handlerDevice })).toThrow('reserved');
  });

  test.each([
    ['IoTBlog/sensorData', undefined, undefined],
    ['IoTBlog/sensorData/pi', undefined, 'pi'],
    ['IoTBlog/anomaly/from/pi', undefined, 'pi'],
    ['IoTBlog/status/pi/more', undefined, undefined],
    ['IoTBlog/status', undefined, undefined],
    ['IoTBlog/status/', '', ''],
    ['elsewhere/pi', undefined, undefined],
  ])('topic %s names %s, and on a shared broker %s', (topic, plain, named) => {
    expect(shared.deviceOf(topic)).toBe(plain);
    expect(perDevice.deviceOf(topic)).toBe(named);
  });
});
