import type { Key } from '../anomaly/anomaly.ts';
import { correlationId } from '../anomaly/identity.ts';
import type { Time } from '../platform/time.ts';
import { handlerDevice } from '../transport/topics.ts';
import type { Device, DeviceWatch } from './device-watch.ts';
import type { Work } from './inbox.ts';
import type { Intake, OwnBreach } from './intake.ts';

/** Raises and ends what only a handler can see: a silent device, and a broker that is out of reach. */
export interface OwnAlarms {
  /** Looks who has fallen silent, or speaks again. */
  sweep(): void;
  connection(connected: boolean): void;
}

export interface OwnAlarmsOptions {
  site: string;
  /** Read whenever it is needed; 0 turns the rules off. */
  policy: { readonly deviceSilentMs: number };
  watch: DeviceWatch;
  intake: Intake;
  time: Time;
  add: (work: Work) => void;
}

export function createOwnAlarms({ site, policy, watch, intake, time, add }: OwnAlarmsOptions): OwnAlarms {
  const brokerKey: Key = { site, deviceId: handlerDevice, metric: '*', rule: 'broker-silent' };
  const silentKey = (device: Device): Key => ({
    site: device.site,
    deviceId: device.deviceId,
    metric: '*',
    rule: 'device-silent',
  });
  let offlineSinceMs: number | undefined;
  /** Whether what was raised about the broker, perhaps by an earlier run, is known to be ended. */
  let isBrokerSettled = false;
  /** Whether what was raised while the rules were on, perhaps by an earlier run, is known to be ended. */
  let isRemoved = false;

  function breach(key: Key, text: string, startedAtMs: number): OwnBreach {
    return { key, severity: 'high', text, startedAtMs, value: null, limit: null, unit: '' };
  }

  function settleBroker(): void {
    add(() => {
      intake.settleOwn(correlationId(brokerKey));
      return () => {
        isBrokerSettled = true;
      };
    });
  }

  function removeRules(): void {
    add(() => {
      intake.endRemoved(['device-silent', 'broker-silent']);
      return () => {
        isRemoved = true;
        watch.expectSilent();
      };
    });
  }

  return {
    sweep() {
      const nowMs = time.monotonicMs();
      const silentMs = policy.deviceSilentMs;
      if (silentMs > 0) isRemoved = false;
      else if (!isRemoved) removeRules();
      if (offlineSinceMs !== undefined) {
        // Nobody can be heard: a broker outage is one incident, not one a device.
        const offlineMs = nowMs - offlineSinceMs;
        if (silentMs === 0 || offlineMs <= silentMs) return;
        const text = 'the handler cannot reach the broker, so no device can be heard';
        add(() => {
          intake.raise(breach(brokerKey, text, time.wallMs() - offlineMs));
          return undefined;
        });
        return;
      }
      if (!isBrokerSettled) settleBroker();
      const changes = watch.changes(nowMs);
      if (changes.silent.length + changes.speaking.length === 0) return;
      const text = `no heartbeat for ${Math.round(silentMs / 1_000)} s`;
      add(() => {
        for (const device of changes.speaking) intake.settleOwn(correlationId(silentKey(device)));
        for (const device of changes.silent) intake.raise(breach(silentKey(device), text, device.lastMs));
        // Told once it is stored: on a full disk the next sweep tries again.
        return () => watch.told(changes);
      });
    },
    connection(connected) {
      const nowMs = time.monotonicMs();
      if (!connected) {
        offlineSinceMs ??= nowMs;
        isBrokerSettled = false;
        return;
      }
      if (offlineSinceMs !== undefined) watch.forgive(nowMs);
      offlineSinceMs = undefined;
      if (!isBrokerSettled) settleBroker();
    },
  };
}
