import type { Config } from '../config/schema.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import type { Clock } from '../platform/time.ts';
import { handlerDevice } from '../transport/topics.ts';
import type { Transport } from '../transport/transport.ts';
import { breachView } from './breach-view.ts';
import type { Breaches } from './breaches.ts';
import type { BreachView, DeviceView, OutboxView, Overview } from './contract.ts';
import { createDeviceRules } from './device-rules.ts';
import type { DeviceHistory, History } from './history.ts';
import { incidentLinks } from './incident-link.ts';
import type { Heartbeat } from './sensor-ear.ts';
import type { ServedHandler } from './served-handler.ts';

export interface OverviewOptions {
  config: Config;
  software: string;
  handler: ServedHandler;
  breaches: Breaches;
  history: Pick<History, 'devices' | 'refused'>;
  transport: Pick<Transport, 'state'>;
  /** Event time. */
  time: Clock;
  /** Real time, of which the age of what waits is told. */
  deliveryTime: Clock;
}

export interface OverviewSource {
  heartbeat(heartbeat: Heartbeat): void;
  overview(): Overview;
  breach(occurrence: Occurrence): BreachView;
}

/** All that the page shows at a glance, built when it is asked for. */
export function createOverview(options: OverviewOptions): OverviewSource {
  const { config, handler, breaches, history, transport, time, deliveryTime } = options;
  const rules = createDeviceRules(config);
  const linkTo = incidentLinks(config.serviceNow.url);
  const { maxDevices } = config.console;
  /** In the order in which they came. */
  const heartbeats = new Map<string, Heartbeat>();

  function breach(occurrence: Occurrence): BreachView {
    const holder = occurrence.heldBy === null ? undefined : breaches.byId(occurrence.heldBy);
    return breachView(occurrence, holder, linkTo);
  }

  /** Devices by readings, heartbeats and breaches; not the handler itself. */
  function devices(): DeviceView[] {
    const kept = new Map<string, DeviceHistory>(history.devices().map((one) => [keyOf(one), one]));
    const names = new Map<string, { site: string; deviceId: string }>();
    for (const one of [...kept.values(), ...heartbeats.values(), ...breaches.devices()]) {
      if (one.deviceId !== handlerDevice) names.set(keyOf(one), { site: one.site, deviceId: one.deviceId });
    }
    return [...names.values()]
      .sort((a, b) => compare(a.site, b.site) || compare(a.deviceId, b.deviceId))
      .slice(0, maxDevices)
      .map((name) => deviceOf(name, kept.get(keyOf(name)), heartbeats.get(keyOf(name))));
  }

  function deviceOf(
    { site, deviceId }: { site: string; deviceId: string },
    kept: DeviceHistory | undefined,
    heartbeat: Heartbeat | undefined,
  ): DeviceView {
    const values = new Map((kept?.metrics ?? []).map(({ metric, atMs, value }) => [metric, { atMs, value }]));
    const facts = { site, deviceId, values, breaches: breaches.ofDevice(site, deviceId) };
    const readingAtMs = latest(kept?.lastAtMs, heartbeat?.lastReadingAtMs ?? undefined);
    return {
      ...{ site, deviceId },
      heardAtMs: latest(readingAtMs ?? undefined, heartbeat?.atMs),
      lastReadingAtMs: readingAtMs,
      sensor: heartbeat?.sensor ?? null,
      clockSynchronised: heartbeat?.clockSynchronised ?? null,
      metrics: rules.metrics(facts),
      rules: rules.whole(facts),
    };
  }

  function outbox(): OutboxView {
    const { relay, counts } = handler.status();
    const oldestMs = handler.oldestEntryMs();
    return {
      waiting: counts.entries,
      dueKeys: relay.keys,
      inFlightKeys: relay.inFlight,
      oldestAgeMs: oldestMs === undefined ? null : Math.max(0, deliveryTime.wallMs() - oldestMs),
      gate: relay.gate.state,
      gateReason: relay.gate.reason ?? null,
      settlingMs: relay.settlingMs,
      deadLetters: counts.dead,
      aside: counts.aside,
      rejectedMessages: counts.rejected,
    };
  }

  return {
    breach,
    heartbeat(heartbeat) {
      const key = keyOf(heartbeat);
      heartbeats.delete(key);
      heartbeats.set(key, heartbeat);
      const [oldest] = heartbeats.keys();
      if (heartbeats.size > maxDevices && oldest !== undefined) heartbeats.delete(oldest);
    },
    overview() {
      const status = handler.status();
      const broker = transport.state();
      return {
        nowMs: time.wallMs(),
        software: options.software,
        claim: status.claim,
        servedBy: status.servedBy ?? null,
        instance: status.instance,
        instanceUrl: config.serviceNow.url,
        brokerFault: broker.state === 'connected' ? null : broker.reason,
        storeFull: status.storeFull,
        historyMs: config.console.historyMs,
        devices: devices(),
        readingsRefused: history.refused(),
        outbox: outbox(),
        breaches: breaches.all().map(breach),
        silences: handler.silences(),
      };
    },
  };
}

const keyOf = ({ site, deviceId }: { site: string; deviceId: string }) => `${site}\n${deviceId}`;
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function latest(...instants: (number | undefined)[]): number | null {
  const known = instants.filter((one) => one !== undefined);
  return known.length === 0 ? null : Math.max(...known);
}
