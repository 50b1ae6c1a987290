import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import type { InboundMessage, Subscription, Transport } from '../transport/transport.ts';
import { type ParsedMessage, parseGatewayMessage, type RefusedMessage } from './mqtt/parse.ts';
import { type Bounds, plausibilityCheck } from './plausibility.ts';
import type { SampleSink, SampleSource, SourceStats } from './source.ts';

export interface GatewayOptions {
  transport: Transport;
  topicFilter: string;
  maxPayloadBytes: number;
  /** Devices kept in memory; with one more, the longest idle is put away. */
  maxDevices: number;
  /** A device silent for so long is put away. */
  idleMs: number;
  time: Time;
  logger: Logger;
  plausibility: Readonly<Record<string, Bounds>>;
}

interface Device {
  heardAtMs: number;
  check: ReturnType<typeof plausibilityCheck>;
  faulty: boolean;
}

/** A sender's stamp is taken only when it is about now; otherwise the reading is stamped on arrival. */
const oldestStampMs = 5 * 60_000;
const newestStampMs = 5_000;

/**
 * Readings of other devices from a topic filter. What is no reading is counted and dropped. Durations are measured from
 * the arrival, on this machine's monotonic clock.
 */
export function createGateway(options: GatewayOptions): SampleSource {
  const { transport, topicFilter, time, logger, idleMs } = options;
  const stats: SourceStats = { read: 0, failed: 0, skipped: 0 };
  // Longest idle first: a device moves to the end whenever it is heard.
  const devices = new Map<string, Device>();
  const told = new Set<RefusedMessage>();
  let subscription: Subscription | undefined;
  let sweepTimer: Timer | undefined;
  let sink: SampleSink | undefined;

  function receive(message: InboundMessage): void {
    if (sink === undefined) return;
    const parsed = parseGatewayMessage(message, topicFilter, options.maxPayloadBytes);
    if (parsed.ok) take(parsed, sink);
    else refuse(message.topic, parsed.reason);
  }

  function refuse(topic: string, reason: RefusedMessage): void {
    stats.failed += 1;
    if (told.has(reason)) return;
    told.add(reason);
    logger.warn({ topic: topic.slice(0, 200), reason }, 'gateway message refused; further ones are only counted');
  }

  function take(parsed: Extract<ParsedMessage, { ok: true }>, target: SampleSink): void {
    const device = heard(parsed.deviceId, target);
    const nowMs = time.wallMs();
    const checked = device.check(parsed.metrics);
    if (!checked.ok) {
      stats.failed += 1;
      const fault = {
        deviceId: parsed.deviceId,
        reason: 'implausible',
        message: checked.message,
        atMs: nowMs,
      } as const;
      if (!device.faulty) target.fault(fault);
      device.faulty = true;
      return;
    }
    device.faulty = false;
    stats.read += 1;
    target.sample({
      deviceId: parsed.deviceId,
      ...(parsed.site === undefined ? {} : { site: parsed.site }),
      atMs: believable(parsed.ts, nowMs) ?? nowMs,
      monotonicMs: time.monotonicMs(),
      metrics: checked.metrics,
    });
  }

  /** The device's state, moved to the end of the line; makes room for a new one. */
  function heard(deviceId: string, target: SampleSink): Device {
    const known = devices.get(deviceId);
    const device = known ?? { heardAtMs: 0, check: plausibilityCheck(options.plausibility), faulty: false };
    device.heardAtMs = time.monotonicMs();
    devices.delete(deviceId);
    const [longestIdle] = devices.keys();
    if (known === undefined && longestIdle !== undefined && devices.size >= options.maxDevices) {
      putAway(longestIdle, target);
    }
    devices.set(deviceId, device);
    return device;
  }

  function putAway(deviceId: string, target: SampleSink): void {
    devices.delete(deviceId);
    target.evicted?.(deviceId);
  }

  function sweep(target: SampleSink): void {
    for (const [deviceId, { heardAtMs }] of devices) {
      if (time.monotonicMs() - heardAtMs < idleMs) break;
      putAway(deviceId, target);
    }
    sweepTimer = time.after(idleMs / 10, () => sweep(target));
  }

  return {
    kind: 'mqtt',
    describe: () => `mqtt: devices that publish on ${topicFilter}`,
    async start(target) {
      if (sink !== undefined) return;
      sink = target;
      sweep(target);
      subscription = await transport.subscribe(topicFilter, receive);
    },
    async stop() {
      sink = undefined;
      sweepTimer?.cancel();
      await subscription?.unsubscribe();
    },
    stats: () => ({ ...stats }),
  };
}

function believable(ts: number | undefined, nowMs: number): number | undefined {
  return ts !== undefined && ts > nowMs - oldestStampMs && ts < nowMs + newestStampMs ? ts : undefined;
}
