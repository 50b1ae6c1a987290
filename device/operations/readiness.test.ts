import { describe, expect, test } from 'vitest';
import type { HandlerStatus } from '../handler/handler.ts';
import { handlerReasons } from './handler-operations.ts';
import { type MonitorHealth, monitorReasons } from './monitor-operations.ts';
import { goodHandler, goodMonitor } from './test-statuses.ts';

const connected = { state: 'connected' } as const;
const cut = { state: 'disconnected', reason: 'nothing listens on 127.0.0.1:1883' } as const;
const limits = { nowMs: 1_000_000, staleAfterMs: 60_000 };

describe('the sensor monitor is not ready', () => {
  const table: [string, Partial<MonitorHealth>, { state: 'connected' } | typeof cut, string[]][] = [
    ['never, while all is well', {}, connected, []],
    ['while the broker is away', {}, cut, ['Not connected to the broker: nothing listens on 127.0.0.1:1883.']],
    ['before its first reading', { lastReadingAtMs: undefined }, connected, ['No reading yet.']],
    [
      'while the sensor is faulty, which says more than the missing reading',
      { sensorFault: 'i2c: /dev/i2c-1: no chip answers.', lastReadingAtMs: undefined },
      connected,
      ['The sensor is faulty: i2c: /dev/i2c-1: no chip answers.'],
    ],
    ['when readings have stopped', { lastReadingAtMs: 939_999 }, connected, ['The latest reading is 60 s old.']],
    ['not yet at the limit', { lastReadingAtMs: 940_000 }, connected, []],
    [
      'on a full disk',
      { storeFull: true },
      connected,
      ['The disk is full: new breaches are kept in memory only. Make room.'],
    ],
    ['without a synchronised clock: it is', { clockSynchronised: false }, connected, []],
    [
      'for several reasons at once',
      { storeFull: true, lastReadingAtMs: undefined },
      cut,
      [
        'Not connected to the broker: nothing listens on 127.0.0.1:1883.',
        'No reading yet.',
        'The disk is full: new breaches are kept in memory only. Make room.',
      ],
    ],
  ];
  test.each(table)('%s', (_case, change, transport, reasons) => {
    expect(monitorReasons({ ...goodMonitor, ...change }, transport, limits)).toEqual(reasons);
  });
});

describe('the anomaly handler is not ready', () => {
  const paused = { state: 'paused', reason: 'GET incident: 401 User Not Authenticated.', forMs: 4_200 } as const;
  const table: [string, Partial<HandlerStatus>, { state: 'connected' } | typeof cut, string[]][] = [
    ['never, while all is well', {}, connected, []],
    ['while the broker is away', {}, cut, ['Not connected to the broker: nothing listens on 127.0.0.1:1883.']],
    [
      'while it listens for another one',
      { claim: 'claiming' },
      connected,
      ['Listening for a moment whether another handler serves this instance.'],
    ],
    [
      'while another one serves',
      { claim: 'passive', servedBy: 'abc' },
      connected,
      ['Another handler (abc) serves https://dev1.example/incident: this one takes over when it falls silent.'],
    ],
    [
      'on a full disk',
      { storeFull: true },
      connected,
      ['The disk is full: messages are neither stored nor answered. Make room.'],
    ],
    [
      'while the instance refuses it',
      { relay: { ...goodHandler.relay, gate: paused } },
      connected,
      ['Deliveries to https://dev1.example/incident pause for another 5 s: GET incident: 401 User Not Authenticated.'],
    ],
    [
      'while it tries the instance again',
      { relay: { ...goodHandler.relay, gate: { state: 'probing' } } },
      connected,
      ['Deliveries to https://dev1.example/incident are tried again after a pause: it failed repeatedly'],
    ],
    ['for dead letters: it is', { counts: { ...goodHandler.counts, dead: 7 } }, connected, []],
  ];
  test.each(table)('%s', (_case, change, transport, reasons) => {
    expect(handlerReasons({ ...goodHandler, ...change }, transport)).toEqual(reasons);
  });
});
