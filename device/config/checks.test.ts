import { describe, expect, it } from 'vitest';
import { loadConfig } from './load.ts';
import { refusal } from './test-refusal.ts';

describe('values that clash', () => {
  it.each<[string, readonly string[], string]>([
    [
      'limits the wrong way round',
      ['thresholds.temperature.lower=30'],
      'thresholds.temperature.lower (--set thresholds.temperature.lower): 30 is not below the upper limit 30',
    ],
    [
      'a deadband as wide as the band',
      ['thresholds.temperature.lower=29', 'thresholds.temperature.deadband=1'],
      'thresholds.temperature.deadband (--set thresholds.temperature.deadband): 1 is not smaller than the band between the limits (29 to 30)',
    ],
    [
      'a limit that no believed value reaches',
      ['humidLimit=101'],
      'thresholds.humidity.upper (--set humidLimit): 101 would never be breached: values above 100 are not believed',
    ],
    [
      'a lower limit below what is believed',
      ['thresholds.temperature.lower=-41'],
      '-41 would never be breached: values below -40',
    ],
    [
      'tiers that do not rise',
      ['thresholds.temperature.tiers=[{"beyond":2,"severity":"low"},{"beyond":2,"severity":"high"}]'],
      'thresholds.temperature.tiers (--set thresholds.temperature.tiers): beyond must rise from tier to tier, found 2, 2',
    ],
    [
      'a rate over less than two readings',
      ['thresholds.temperature.rateOfChange={"perMinute":1,"windowMs":5000}'],
      '5000 is not longer than sensor.intervalMs (5000), so no two readings could be compared',
    ],
    [
      'nothing to believe',
      ['sensor.plausibility.x={"min":1,"max":1}'],
      'sensor.plausibility.x.min (--set sensor.plausibility.x): 1 is not below max 1',
    ],
    [
      'a backoff that begins above its cap',
      ['delivery.backoffCapMs=10'],
      'delivery.backoffBaseMs (--set delivery.backoffCapMs): 1000 is longer than backoffCapMs (10)',
    ],
    [
      'a resend that begins above its cap',
      ['monitor.resendBaseMs=400000'],
      '400000 is longer than resendCapMs (300000)',
    ],
    [
      'a reconnect that begins above its cap',
      ['transport.mqtt.reconnectCapMs=100'],
      '500 is longer than reconnectCapMs (100)',
    ],
    [
      'a reconnect to AWS IoT Core that begins above its cap',
      ['transport.iotCore.reconnectCapMs=100'],
      'transport.iotCore.reconnectBaseMs (--set transport.iotCore.reconnectCapMs): 500 is longer than reconnectCapMs (100)',
    ],
    [
      'no-data between any two readings',
      ['noData.afterMs=5000'],
      '5000 is not longer than sensor.intervalMs (5000), so there would be no data between any two readings',
    ],
    [
      'silence between any two heartbeats',
      ['handler.deviceSilentMs=60000'],
      '60000 is not longer than monitor.heartbeatMs (60000), so every device would be silent',
    ],
    [
      'a replay of nothing',
      ['sensor.kind=replay'],
      'sensor.replay.file (--set sensor.kind): sensor.kind replay needs a file',
    ],
    [
      'a replay without time',
      ['sensor.kind=replay', 'sensor.replay.file=a.csv', 'sensor.replay.columns={"humidity":"h"}'],
      'must name the column of timestamp and of at least one metric, found humidity',
    ],
    [
      'two topics in one',
      ['topics.ack=IoTBlog/anomaly'],
      'topics.ack (--set topics.ack): is the same as topics.anomaly',
    ],
    [
      'a filter for a topic',
      ['topics.status=IoTBlog/#'],
      'topics.status (--set topics.status): must be a topic: no +, no #',
    ],
    [
      'no URL',
      ['serviceNow.url=dev1'],
      'serviceNow.url (--set serviceNow.url): must be a URL such as https://dev1.service-now.com',
    ],
    [
      'a table’s URL',
      ['serviceNow.url=https://a.example/api/now/table/incident'],
      'is the URL of a table; give the base URL here, or the whole as snowUrl',
    ],
    [
      'a password in the URL',
      ['serviceNow.url=https://a:b@a.example'],
      'holds a user or password; put them into the secret instead',
    ],
    [
      'no time zone',
      ['serviceNow.timeZone=Mars/North'],
      'serviceNow.timeZone (--set serviceNow.timeZone): is no time zone that this system knows',
    ],
    [
      'AWS IoT Core without an address',
      ['transport.kind=iot-core'],
      'transport.iotCore.endpoint (--set transport.kind): is missing, and transport.kind iot-core needs it',
    ],
    [
      'one port twice',
      ['http.monitorPort=9100', 'http.handlerPort=9100'],
      'http.handlerPort (--set http.handlerPort): 9100 is http.monitorPort too',
    ],
  ])('%s', async (_, set, sentence) => {
    expect(await refusal({ set })).toContain(sentence);
  });

  it.each([
    ['a gateway has no interval of its own', ['sensor.kind=mqtt', 'noData.afterMs=5000']],
    ['no-data is off', ['noData.enabled=false', 'noData.afterMs=100']],
    ['device-silent is off', ['handler.deviceSilentMs=0']],
    ['the address of AWS IoT Core is given', ['transport.kind=iot-core', 'transport.iotCore.endpoint=a.example']],
    ['both ports are free ones', ['http.monitorPort=0', 'http.handlerPort=0']],
    ['a band with a deadband inside', ['thresholds.temperature.lower=29', 'thresholds.temperature.deadband=0.9']],
  ])('no clash where %s', async (_, set) => {
    await expect(loadConfig({ set })).resolves.toBeDefined();
  });
});
