import { addressClashes } from './address-clashes.ts';
import type { Clash } from './clash.ts';
import type { Config, MetricThresholds } from './schema.ts';

/** Every combination of values that cannot be meant. */
export function clashes(config: Config): Clash[] {
  return [
    ...Object.entries(config.thresholds).flatMap(([metric, limits]) => limitClashes(config, metric, limits)),
    ...plausibilityClashes(config),
    ...backoffClashes(config),
    ...cadenceClashes(config),
    ...replayClashes(config),
    ...topicClashes(config),
    ...addressClashes(config),
  ];
}

function limitClashes(config: Config, metric: string, limits: MetricThresholds): Clash[] {
  const at = (...names: string[]) => ['thresholds', metric, ...names];
  const { upper, lower, deadband = 0, tiers, rateOfChange } = limits;
  const found: Clash[] = [];
  if (upper !== undefined && lower !== undefined && lower >= upper) {
    found.push({ paths: [at('lower'), at('upper')], message: `${lower} is not below the upper limit ${upper}` });
  } else if (upper !== undefined && lower !== undefined && deadband >= upper - lower) {
    const message = `${deadband} is not smaller than the band between the limits (${lower} to ${upper}), so a breach of one would end only with a breach of the other`;
    found.push({ paths: [at('deadband'), at('upper'), at('lower')], message });
  }
  const { min, max } = (Object.hasOwn(config.sensor.plausibility, metric) && config.sensor.plausibility[metric]) || {};
  const beyond = (name: 'upper' | 'lower', value: number, end: 'max' | 'min', limit: number): Clash => ({
    paths: [at(name), ['sensor', 'plausibility', metric, end]],
    message: `${value} would never be breached: values ${end === 'max' ? 'above' : 'below'} ${limit} are not believed (sensor.plausibility.${metric}.${end})`,
  });
  if (upper !== undefined && max !== undefined && upper > max) found.push(beyond('upper', upper, 'max', max));
  if (lower !== undefined && min !== undefined && lower < min) found.push(beyond('lower', lower, 'min', min));
  if (tiers.some((tier, index) => tier.beyond <= (tiers[index - 1]?.beyond ?? -1))) {
    const steps = tiers.map((tier) => tier.beyond).join(', ');
    found.push({ paths: [at('tiers')], message: `beyond must rise from tier to tier, found ${steps}` });
  }
  if (isPolled(config) && rateOfChange !== undefined && rateOfChange.windowMs <= config.sensor.intervalMs) {
    const message = `${rateOfChange.windowMs} is not longer than sensor.intervalMs (${config.sensor.intervalMs}), so no two readings could be compared`;
    found.push({ paths: [at('rateOfChange', 'windowMs'), ['sensor', 'intervalMs']], message });
  }
  return found;
}

function plausibilityClashes({ sensor }: Config): Clash[] {
  return Object.entries(sensor.plausibility).flatMap(([metric, { min, max }]) => {
    if (min === undefined || max === undefined || min < max) return [];
    const at = (name: string) => ['sensor', 'plausibility', metric, name];
    return [
      { paths: [at('min'), at('max')], message: `${min} is not below max ${max}, so no value would be believed` },
    ];
  });
}

/** Each pause that grows begins below where it ends. */
function backoffClashes({ delivery, monitor, transport }: Config): Clash[] {
  const pauses = [
    {
      group: ['delivery'],
      names: ['backoffBaseMs', 'backoffCapMs'],
      base: delivery.backoffBaseMs,
      cap: delivery.backoffCapMs,
    },
    {
      group: ['monitor'],
      names: ['resendBaseMs', 'resendCapMs'],
      base: monitor.resendBaseMs,
      cap: monitor.resendCapMs,
    },
    ...(['mqtt', 'iotCore'] as const).map((kind) => ({
      group: ['transport', kind],
      names: ['reconnectBaseMs', 'reconnectCapMs'],
      base: transport[kind].reconnectBaseMs,
      cap: transport[kind].reconnectCapMs,
    })),
  ];
  return pauses.flatMap(({ group, names, base, cap }) => {
    if (base <= cap) return [];
    return [{ paths: names.map((name) => [...group, name]), message: `${base} is longer than ${names[1]} (${cap})` }];
  });
}

/** What is waited for must be able to come in time. */
function cadenceClashes(config: Config): Clash[] {
  const { sensor, noData, monitor, handler } = config;
  const found: Clash[] = [];
  if (isPolled(config) && noData.enabled && noData.afterMs <= sensor.intervalMs) {
    const message = `${noData.afterMs} is not longer than sensor.intervalMs (${sensor.intervalMs}), so there would be no data between any two readings`;
    found.push({
      paths: [
        ['noData', 'afterMs'],
        ['sensor', 'intervalMs'],
      ],
      message,
    });
  }
  if (handler.deviceSilentMs > 0 && handler.deviceSilentMs <= monitor.heartbeatMs) {
    const message = `${handler.deviceSilentMs} is not longer than monitor.heartbeatMs (${monitor.heartbeatMs}), so every device would be silent between two heartbeats; where the monitor runs apart, give its value here too`;
    found.push({
      paths: [
        ['handler', 'deviceSilentMs'],
        ['monitor', 'heartbeatMs'],
      ],
      message,
    });
  }
  return found;
}

function replayClashes({ sensor: { kind, replay } }: Config): Clash[] {
  if (kind !== 'replay') return [];
  const found: Clash[] = [];
  if (replay.file === '') {
    found.push({
      paths: [
        ['sensor', 'replay', 'file'],
        ['sensor', 'kind'],
      ],
      message: 'sensor.kind replay needs a file',
    });
  }
  const columns = Object.keys(replay.columns);
  if (!columns.includes('timestamp') || columns.length < 2) {
    const message = `must name the column of timestamp and of at least one metric, found ${columns.join(', ') || 'none'}`;
    found.push({ paths: [['sensor', 'replay', 'columns']], message });
  }
  return found;
}

function topicClashes({ topics }: Config): Clash[] {
  const names = ['sensorData', 'anomaly', 'ack', 'status'] as const;
  return names.flatMap((name, index): Clash[] => {
    const topic = topics[name];
    if (/[+#\0]/.test(topic) || topic.startsWith('$') || topic.endsWith('/')) {
      return [{ paths: [['topics', name]], message: 'must be a topic: no +, no #, no $ in front, no / at the end' }];
    }
    const same = names.slice(0, index).find((other) => topics[other] === topic);
    if (same === undefined) return [];
    return [
      {
        paths: [
          ['topics', name],
          ['topics', same],
        ],
        message: `is the same as topics.${same}`,
      },
    ];
  });
}

/** Whether readings come at `sensor.intervalMs`, and not when a recording or another device has them. */
function isPolled({ sensor }: Config): boolean {
  return sensor.kind !== 'replay' && sensor.kind !== 'mqtt';
}
