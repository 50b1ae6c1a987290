import { expect, test } from 'vitest';
import type { AnomalyMessage } from '../../device/anomaly/anomaly.ts';
import { sampleAnomaly } from './anomaly-fixture.ts';
import { createDeviceBoard } from './device-board.ts';

const board = () => createDeviceBoard({ thresholds: { humidity: { upper: 50, deadband: 2 } }, unitOf: () => '%RH' });

const reading = (atMs: number, humidity: number, deviceId = 'pi') => ({
  site: 'home',
  deviceId,
  atMs,
  monotonicMs: atMs,
  seq: 0,
  metrics: { humidity },
});

const anomaly = (change: Partial<AnomalyMessage>): AnomalyMessage => ({ ...sampleAnomaly, ...change });

test('a value beyond its limit is pending since its first reading, until it is past the deadband', () => {
  const { reading: read, devices } = board();
  const pending = () => devices()[0]?.metrics[0]?.pendingSinceMs;
  read(reading(1, 49));
  expect(pending()).toBeUndefined();
  for (const [atMs, humidity] of [
    [2, 51],
    [3, 49],
    [4, 52],
  ] as const)
    read(reading(atMs, humidity));
  expect(pending()).toBe(2);
  read(reading(5, 48));
  expect(pending()).toBeUndefined();
});

test('a rule fires from its first message to its resolved one, on its metric or on the whole sensor', () => {
  const { reading: read, anomaly: tell, devices } = board();
  read(reading(1, 55));
  tell(anomaly({}));
  tell(anomaly({ metric: '*', rule: 'no-data', severity: 'medium' }));
  const firing = { rule: 'upper', severity: 'high', sinceMs: Date.parse('2026-01-05T10:11:50.000Z') };
  expect(devices()[0]?.metrics[0]?.firing).toEqual([firing]);
  expect(devices()[0]?.firing).toMatchObject([{ rule: 'no-data' }]);
  tell(anomaly({ phase: 'resolved' }));
  tell(anomaly({ metric: '*', rule: 'no-data', phase: 'resolved' }));
  expect(devices()[0]?.metrics[0]?.firing).toEqual([]);
  expect(devices()[0]?.firing).toEqual([]);
});

test('a sensor fault is over with the next reading', () => {
  const { reading: read, sensorFault, devices } = board();
  sensorFault('pi', 'no answer');
  expect(devices()).toMatchObject([{ name: 'pi', sensorFault: 'no answer' }]);
  read(reading(1, 40));
  expect(devices()).toMatchObject([{ name: 'pi', sensorFault: undefined }]);
});

test('it keeps sixty values of a metric, and two hundred devices', () => {
  const { reading: read, devices } = board();
  for (let atMs = 0; atMs < 100; atMs += 1) read(reading(atMs, atMs));
  for (let count = 0; count < 300; count += 1) read(reading(1, 40, `device-${count}`));
  const history = devices()[0]?.metrics[0]?.history ?? [];
  expect([history.length, history[0], history.at(-1)]).toEqual([60, 40, 99]);
  expect(devices()).toHaveLength(200);
});
