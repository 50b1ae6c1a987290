import {
  type AnomalyMessage,
  type AnswerMessage,
  type DeviceStatusMessage,
  deviceStatusMessage,
  handlerStatusMessage,
} from '../anomaly/anomaly.ts';
import { correlationId } from '../anomaly/identity.ts';
import type { Config } from '../config/schema.ts';
import type { Relay } from '../outbox/relay.ts';
import { type Clock, isoUtc } from '../platform/time.ts';
import { handlerDevice, type Topics } from '../transport/topics.ts';
import type { InboundMessage } from '../transport/transport.ts';
import type { DeviceWatch } from './device-watch.ts';
import type { Inbox } from './inbox.ts';
import type { Intake } from './intake.ts';
import { parseAnomaly, parseStatus } from './parse.ts';
import type { Presence } from './presence.ts';
import { reconcileStore } from './reconcile.ts';
import { createRollCallAssembly } from './roll-call.ts';
import type { Said } from './store/entries.ts';
import type { HandlerStore } from './store.ts';
import type { Walks } from './walks.ts';

/** Since the start; `dropped` came in while too much waited or the disk was full, and are sent again. */
export interface MessageCounts {
  accepted: number;
  duplicate: number;
  rejected: number;
  malformed: number;
  dropped: number;
}

/** Takes messages in: what each means is stored in one transaction with its acceptance, and answered after the commit. */
export interface Reception {
  onAnomaly(message: InboundMessage): void;
  onStatus(message: InboundMessage): void;
  /** Whether this handler serves the device, by its configuration. */
  serves(deviceId: string): boolean;
  counts(): MessageCounts;
}

export interface ReceptionDeps {
  config: Config;
  topics: Topics;
  time: Clock;
  store: HandlerStore;
  intake: Intake;
  inbox: Inbox;
  relay: Pick<Relay, 'notify'>;
  watch: DeviceWatch;
  walks: Walks;
  presence: Presence;
  handlerId: string;
  isFull: () => boolean;
  send: (topic: string, answer: AnswerMessage) => void;
}

/** A message of a device; of its status with the kind. */
type Spoken = Pick<AnomalyMessage, 'at' | 'bootId' | 'monotonicMs'> & { kind?: DeviceStatusMessage['kind'] };

function saidBy({ at, bootId, monotonicMs, kind }: Spoken): Said {
  return { atMs: Date.parse(at), boot: { id: bootId, monotonicMs }, isLive: kind !== undefined };
}

export function createReception(deps: ReceptionDeps): Reception {
  const { config, topics, time, store, intake, inbox, relay, watch, walks, presence } = deps;
  const rollCalls = createRollCallAssembly(config.handler.maxDevices);
  const messages: MessageCounts = { accepted: 0, duplicate: 0, rejected: 0, malformed: 0, dropped: 0 };

  /** Whether a message is taken in now; one that is not is sent again. */
  function takes(): boolean {
    if (presence.claim().state === 'passive') return false;
    if (!deps.isFull() && !inbox.isCrowded()) return true;
    messages.dropped += 1;
    return false;
  }

  function serves(deviceId: string): boolean {
    return config.handler.devices.length === 0 || config.handler.devices.includes(deviceId);
  }

  function onAnomaly({ topic, payload }: InboundMessage): void {
    if (!takes()) return;
    const parsed = parseAnomaly(payload, topics.deviceOf(topic));
    if (parsed.ok) onParsed(topic, parsed.message);
    else onMalformed(topic, parsed);
  }

  function onMalformed(topic: string, refused: Extract<ReturnType<typeof parseAnomaly>, { ok: false }>): void {
    const { reason, excerpt, identity } = refused;
    if (identity !== undefined && !serves(identity.deviceId)) return;
    messages.malformed += 1;
    inbox.add(() => {
      store.putRejected({ at: time.wallMs(), topic, reason, payload: excerpt }, config.handler.maxRejected);
      if (identity === undefined) return undefined;
      const highWater = store.highWater(identity, correlationId(identity));
      return () => answer(identity, { result: 'rejected', reason, highWater });
    });
  }

  function onParsed(topic: string, message: AnomalyMessage): void {
    if (!serves(message.deviceId)) return;
    inbox.add(() => {
      const verdict = intake.accept(message);
      let released: string[] = [];
      if (verdict.result === 'rejected') {
        const { reason } = verdict;
        const payload = JSON.stringify(message);
        store.putRejected({ at: time.wallMs(), topic, reason, payload }, config.handler.maxRejected);
      } else released = store.releaseQuiet(message.site, message.deviceId, saidBy(message));
      return () => {
        messages[verdict.result] += 1;
        if (verdict.result !== 'rejected') hear(message);
        relay.notify(released);
        answer(message, verdict);
      };
    });
  }

  function onStatus({ topic, payload }: InboundMessage): void {
    const device = topics.deviceOf(topic);
    if (device === handlerDevice) {
      const status = parseStatus(payload, handlerStatusMessage);
      if (status === undefined) messages.malformed += 1;
      else presence.hear(status);
      return;
    }
    if (!takes()) return;
    const status = parseStatus(payload, deviceStatusMessage);
    if (status === undefined || status.deviceId !== device) {
      messages.malformed += 1;
      return;
    }
    // The last will needs no care: silence is measured.
    if (!serves(status.deviceId) || status.kind === 'offline') return;
    inbox.add(() => {
      if (intake.takeInstallation(status) !== 'taken') return undefined;
      const released = store.releaseQuiet(status.site, status.deviceId, saidBy(status));
      const call = status.kind === 'roll-call' ? rollCalls.add(status) : undefined;
      const lags = call === undefined ? [] : reconcileStore(call, store, intake, config.handler);
      return () => {
        hear(status);
        relay.notify(released);
        for (const { metric, rule, lastSequence, highWater } of lags) {
          answer({ ...status, metric, rule, sequence: lastSequence }, { result: 'duplicate', highWater });
        }
        if (call !== undefined) walks.called(call);
      };
    });
  }

  /** Moves the device's event time on. */
  function hear(message: Spoken & Pick<AnomalyMessage, 'site' | 'deviceId'>): void {
    watch.heard(message.site, message.deviceId, saidBy(message), time.monotonicMs());
  }

  function answer(
    to: Pick<AnomalyMessage, 'site' | 'deviceId' | 'metric' | 'rule' | 'installationId' | 'sequence'>,
    verdict: Pick<AnswerMessage, 'result' | 'highWater'> & { reason?: string },
  ): void {
    const { site, deviceId, metric, rule, installationId, sequence } = to;
    const at = isoUtc(time.wallMs());
    const { handlerId } = deps;
    const key = { site, deviceId, metric, rule };
    deps.send(topics.ack(deviceId), { version: 1, ...key, installationId, sequence, ...verdict, handlerId, at });
  }

  return { onAnomaly, onStatus, serves, counts: () => ({ ...messages }) };
}
