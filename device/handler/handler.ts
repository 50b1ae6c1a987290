import { join } from 'node:path';
import {
  type AnomalyMessage,
  type AnswerMessage,
  deviceStatusMessage,
  type HandlerStatusMessage,
  handlerStatusMessage,
} from '../anomaly/anomaly.ts';
import { correlationId } from '../anomaly/identity.ts';
import type { Config } from '../config/schema.ts';
import type { IncidentDestination } from '../incident/destination.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { createRelay, type RelayStatus } from '../outbox/relay.ts';
import { createTeller, type Texts, type Told } from '../outbox/tell.ts';
import type { Logger } from '../platform/logger.ts';
import { isDiskFull } from '../platform/sqlite.ts';
import { isoUtc, type Time, type Timer } from '../platform/time.ts';
import { handlerDevice, type Topics } from '../transport/topics.ts';
import type { InboundMessage, Subscription, Transport } from '../transport/transport.ts';
import { type Claim, heard, type Self, tick } from './claim.ts';
import { createDeviceWatch } from './device-watch.ts';
import { createIntake } from './intake.ts';
import { parseAnomaly, parseStatus } from './parse.ts';
import { devicePrefix, reconcileRows, reconcileStore } from './reconcile.ts';
import { createRollCallAssembly, type RollCall } from './roll-call.ts';
import { openHandlerStore } from './store.ts';

export interface HandlerDeps {
  config: Config;
  /** Event time: sweeps, silence and quiet periods; the recording's clock in a replay. */
  time: Time;
  /** Real time: delivery. */
  deliveryTime: Time;
  transport: Transport;
  topics: Topics;
  destination: IncidentDestination;
  texts: Texts;
  /** Draws a breach as PNG; undefined where charts are off. */
  chart: ((occurrence: Occurrence) => Promise<Uint8Array>) | undefined;
  dataDir: string;
  logger: Logger;
  random: () => number;
  /** 32 random hex digits. */
  newId: () => string;
  onTold?: (told: Told, occurrence: Occurrence) => void;
}

export interface HandlerStatus {
  claim: Claim['state'];
  /** The handler that serves the instance instead, while passive. */
  servedBy?: string;
  instance: string;
  relay: RelayStatus;
  counts: { entries: number; dead: number; aside: number; rejected: number; firing: number };
  messages: { accepted: number; duplicate: number; rejected: number; malformed: number; dropped: number };
  devices: { site: string; deviceId: string; unheardMs: number }[];
  storeFull: boolean;
}

export interface Handler {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Resolves once all that came in is stored and answered, and nothing is due to be told. */
  idle(): Promise<void>;
  status(): HandlerStatus;
  /** Breaches, the latest told first. */
  recent(limit: number): Occurrence[];
  /** Makes dead letters wait again. */
  redrive(entryIds: readonly number[] | 'all'): number;
}

/** Ended breaches kept for the record, and messages waiting to be stored. */
const keepEnded = 10_000;
const mostWaiting = 10_000;
const mostAtATime = 256;

/**
 * The anomaly handler: takes anomalies in, decides with the policy what becomes of them, and tells the instance.
 * What was received, the new state and the outbox entry are one transaction; the answer follows the commit.
 */
export function createHandler(deps: HandlerDeps): Handler {
  const { config, time, deliveryTime, transport, topics, destination, logger } = deps;
  const store = openHandlerStore(join(deps.dataDir, 'handler.db'), destination.instance);
  const own = ownIdentity();
  const self: Self = {
    handlerId: own.installationId,
    startedAt: isoUtc(deliveryTime.wallMs()),
    instance: destination.instance,
  };
  const startId = deps.newId();
  const intake = createIntake(
    store,
    { ...config.handler, attachChart: config.serviceNow.attachChart && deps.chart !== undefined, keepEnded },
    own,
    time,
  );
  const teller = createTeller({
    destination,
    texts: deps.texts,
    closeCode: config.serviceNow.closeCode,
    chart: deps.chart,
    held: store,
  });
  const relay = createRelay({
    store,
    destination,
    teller,
    options: {
      baseMs: config.delivery.backoffBaseMs,
      capMs: config.delivery.backoffCapMs,
      ...config.delivery,
      ...config.handler,
      keepEnded,
    },
    time,
    deliveryTime,
    random: deps.random,
    logger: logger.child({ module: 'relay' }),
    onTold,
  });
  const watch = createDeviceWatch({ silentMs: config.handler.deviceSilentMs, maxDevices: config.handler.maxDevices });
  const rollCalls = createRollCallAssembly(config.handler.maxDevices);
  const walked = new Set<string>();
  const messages: HandlerStatus['messages'] = { accepted: 0, duplicate: 0, rejected: 0, malformed: 0, dropped: 0 };
  const subscriptions: Subscription[] = [];
  const timers = new Map<string, Timer>();
  /** Work that waits for the next transaction; each answers what is to be done once it is committed. */
  let waiting: (() => (() => void) | undefined)[] = [];
  let committing = false;
  let sending = 0;
  let walking = 0;
  let idleWaiters: (() => void)[] = [];
  let running = false;
  let storeFull = false;
  let claim: Claim = { state: 'claiming', untilMs: 0 };
  let offlineSinceMs: number | undefined;
  let forgetState: (() => void) | undefined;
  let dataVersion = store.dataVersion();

  function ownIdentity() {
    const stored = store.meta('installation');
    const [id, createdAt] = stored?.split(' ') ?? [];
    if (id !== undefined && createdAt !== undefined) return { installationId: id, createdAt, bootId: startBootId() };
    const fresh = { installationId: deps.newId(), createdAt: isoUtc(deliveryTime.wallMs()) };
    store.setMeta('installation', `${fresh.installationId} ${fresh.createdAt}`);
    return { ...fresh, bootId: startBootId() };
  }

  function startBootId(): string {
    return deps.newId();
  }

  // --- what comes in -----------------------------------------------------------------------------------------------

  /** Adds work to the next transaction. Dropped where too much waits: its sender sends it again. */
  function enqueue(work: () => (() => void) | undefined): void {
    if (waiting.length >= mostWaiting) {
      messages.dropped += 1;
      return;
    }
    waiting.push(work);
    if (committing) return;
    committing = true;
    setImmediate(commit);
  }

  function commit(): void {
    committing = false;
    if (!running) return;
    const batch = waiting.slice(0, mostAtATime);
    waiting = waiting.slice(batch.length);
    for (const done of storeAll(batch)) done?.();
    relay.notify(intake.takeWoken());
    if (waiting.length > 0 && !committing) {
      committing = true;
      setImmediate(commit);
    }
    settleIdle();
  }

  /** Stores a batch in one transaction; answers what is to be done once it is committed. */
  function storeAll(batch: typeof waiting): ((() => void) | undefined)[] {
    try {
      const after = store.transaction(() => batch.map((work) => work()));
      if (storeFull) logger.info('store writable again');
      storeFull = false;
      return after;
    } catch (error) {
      // Nothing is answered, so the monitors send again: what they sent is not lost.
      intake.reload();
      if (isDiskFull(error)) {
        if (!storeFull) logger.error({ err: error }, 'disk full: messages are not stored and not answered');
        storeFull = true;
        return [];
      }
      // One message that cannot be handled must not hold up its neighbours.
      if (batch.length > 1) return batch.flatMap((work) => storeAll([work]));
      logger.error({ err: error }, 'a message could not be handled');
      return [];
    }
  }

  function serves(deviceId: string): boolean {
    return (
      claim.state !== 'passive' && (config.handler.devices.length === 0 || config.handler.devices.includes(deviceId))
    );
  }

  function onAnomaly({ topic, payload }: InboundMessage): void {
    if (claim.state === 'passive') return;
    const parsed = parseAnomaly(payload, topics.deviceOf(topic));
    if (!parsed.ok) {
      messages.malformed += 1;
      enqueue(() => {
        store.putRejected(time.wallMs(), topic, parsed.reason, parsed.excerpt, config.handler.maxRejected);
        const { identity } = parsed;
        return identity === undefined || !serves(identity.deviceId)
          ? undefined
          : () => answer(identity, { result: 'rejected', reason: parsed.reason, highWater: 0 });
      });
      return;
    }
    const { message } = parsed;
    if (!serves(message.deviceId)) return;
    enqueue(() => {
      const verdict = intake.accept(message);
      messages[verdict.result] += 1;
      if (verdict.result === 'rejected') {
        store.putRejected(time.wallMs(), topic, verdict.reason, JSON.stringify(message), config.handler.maxRejected);
      } else speaks(message.site, message.deviceId, Date.parse(message.at));
      return () => answer(message, verdict);
    });
  }

  function onStatus({ topic, payload }: InboundMessage): void {
    const device = topics.deviceOf(topic);
    if (device === handlerDevice) {
      const status = parseStatus(payload, handlerStatusMessage);
      if (status !== undefined) onHandlerStatus(status);
      return;
    }
    const status = parseStatus(payload, deviceStatusMessage);
    if (status === undefined || status.deviceId !== device) {
      messages.malformed += 1;
      return;
    }
    if (!serves(status.deviceId) || status.kind === 'offline') return;
    enqueue(() => {
      if (!intake.takesInstallation(status)) return undefined;
      speaks(status.site, status.deviceId, Date.parse(status.at));
      if (status.kind === 'heartbeat') return undefined;
      const call = rollCalls.add(status);
      if (call === undefined) return undefined;
      const behind = reconcileStore(call, store, intake, config.handler);
      return () => {
        for (const { key, highWater } of behind) {
          answer({ ...call, ...key, sequence: key.lastSequence }, { result: 'duplicate', highWater });
        }
        walkOnce(call);
      };
    });
  }

  /** Moves the device's event time on, which may end quiet periods. Runs inside a transaction. */
  function speaks(site: string, deviceId: string, eventMs: number): void {
    watch.heard(site, deviceId, eventMs, time.monotonicMs());
    const due = store.releaseQuiet(site, deviceId, eventMs);
    if (due.length > 0) setImmediate(() => relay.notify(due));
  }

  function answer(
    to: Pick<AnomalyMessage, 'site' | 'deviceId' | 'metric' | 'rule' | 'installationId' | 'sequence'>,
    verdict: Pick<AnswerMessage, 'result' | 'highWater'> & { reason?: string },
  ): void {
    const message: AnswerMessage = {
      version: 1,
      site: to.site,
      deviceId: to.deviceId,
      metric: to.metric,
      rule: to.rule,
      installationId: to.installationId,
      sequence: to.sequence,
      ...verdict,
      handlerId: self.handlerId,
      at: isoUtc(time.wallMs()),
    };
    send(topics.ack(to.deviceId), message);
  }

  /** An answer that is lost is asked for again, so its failure needs no care. */
  function send(topic: string, message: AnswerMessage | HandlerStatusMessage): void {
    sending += 1;
    void transport.publish(topic, JSON.stringify(message)).then((result) => {
      sending -= 1;
      if (!result.ok) logger.debug({ topic, reason: result.reason }, 'message not sent');
      settleIdle();
    });
  }

  // --- roll call ---------------------------------------------------------------------------------------------------

  /** Walks the instance's open rows of a device, once for each start of ours and each installation of the device. */
  function walkOnce(call: RollCall): void {
    const name = `${call.installationId} ${devicePrefix(call.site, call.deviceId)}`;
    if (walked.has(name)) return;
    walked.add(name);
    void walk(call, devicePrefix(call.site, call.deviceId), name);
    const site = `site ${call.site}`;
    if (walked.has(site)) return;
    walked.add(site);
    // What only handlers raise (storm, broker-silent) belongs to no device: it is ours to end.
    for (const deviceId of ['*', handlerDevice]) {
      const nobody = {
        ...call,
        deviceId,
        keys: [],
        installationId: own.installationId,
        installationCreatedAt: own.createdAt,
      };
      void walk(nobody, devicePrefix(call.site, deviceId), site);
    }
  }

  async function walk(call: RollCall, prefix: string, name: string): Promise<void> {
    walking += 1;
    const rows = await relay.findOpen(prefix).finally(() => {
      walking -= 1;
    });
    if (!running) return;
    if (rows === undefined) {
      // The instance could not be asked: the next roll call tries again.
      walked.delete(name);
      settleIdle();
      return;
    }
    enqueue(() => {
      reconcileRows(rows, call, store, intake, config.handler);
      return undefined;
    });
  }

  // --- one handler, and who is silent ---------------------------------------------------------------------------------

  function onHandlerStatus(status: HandlerStatusMessage): void {
    const before = claim;
    const after = heard(before, self, status, deliveryTime.monotonicMs());
    claim = after;
    if (after.state === 'passive' && before.state !== 'passive') {
      logger.warn(
        { other: after.other, instance: self.instance },
        'another handler serves this instance, staying passive',
      );
      void relay.stop();
    }
    // A second handler learns of the first one by its answer.
    if (after.state === 'active' && status.state === 'claiming' && status.handlerId !== self.handlerId) tellStatus();
  }

  function tellStatus(): void {
    send(topics.handlerStatus, {
      version: 1,
      kind: 'handler',
      handlerId: self.handlerId,
      startId,
      startedAt: self.startedAt,
      instance: self.instance,
      state: claim.state,
      at: isoUtc(deliveryTime.wallMs()),
    });
  }

  function advanceClaim(): void {
    const before = claim.state;
    claim = tick(claim, deliveryTime.monotonicMs(), config.handler.statusMs);
    if (claim.state === 'active' && before !== 'active') {
      relay.start();
      if (before === 'passive') logger.info('the other handler is silent, serving the instance');
    }
  }

  function sweepSilence(): void {
    const now = time.monotonicMs();
    if (offlineSinceMs !== undefined) {
      if (config.handler.deviceSilentMs > 0 && now - offlineSinceMs > config.handler.deviceSilentMs)
        raiseBrokerSilent(now);
      return;
    }
    const { silent, speaking } = watch.changes(now);
    if (silent.length + speaking.length === 0) return;
    enqueue(() => {
      for (const device of speaking) intake.settleOwn(correlationId(silentKey(device)));
      for (const device of silent) {
        const unheardMs = config.handler.deviceSilentMs;
        intake.raise({
          key: silentKey(device),
          severity: 'high',
          text: `no heartbeat for ${Math.round(unheardMs / 1_000)} s`,
          startedAtMs: device.lastMs,
          value: null,
          limit: null,
          unit: '',
        });
      }
      return undefined;
    });
  }

  function silentKey({ site, deviceId }: { site: string; deviceId: string }) {
    return { site, deviceId, metric: '*', rule: 'device-silent' } as const;
  }

  const brokerKey = { site: config.site, deviceId: handlerDevice, metric: '*', rule: 'broker-silent' } as const;

  /** A broker outage is one incident, not one a device. */
  function raiseBrokerSilent(now: number): void {
    const since = time.wallMs() - (now - (offlineSinceMs ?? now));
    enqueue(() => {
      intake.raise({
        key: brokerKey,
        severity: 'high',
        text: 'the handler cannot reach the broker, so no device can be heard',
        startedAtMs: since,
        value: null,
        limit: null,
        unit: '',
      });
      return undefined;
    });
  }

  function onTransportState(connected: boolean): void {
    const now = time.monotonicMs();
    if (!connected) {
      offlineSinceMs ??= now;
      return;
    }
    if (offlineSinceMs !== undefined) {
      offlineSinceMs = undefined;
      watch.forgive(now);
      enqueue(() => {
        intake.settleOwn(correlationId(brokerKey));
        return undefined;
      });
    }
    tellStatus();
  }

  /** Ends quiet periods of devices that are silent: real time goes on for them. */
  function sweepQuiet(): void {
    const now = time.monotonicMs();
    const due: string[] = [];
    for (const { site, deviceId } of store.devicesInQuiet()) {
      due.push(...store.releaseQuiet(site, deviceId, watch.eventTime(site, deviceId, now, time.wallMs())));
    }
    if (due.length > 0) relay.notify(due);
    enqueue(() => {
      intake.tellStorms();
      return undefined;
    });
  }

  function onTold(told: Told, occurrence: Occurrence): void {
    // A storm goes on listing what it holds until all of it is told.
    if (occurrence.message.rule === 'storm' && store.countHeld(occurrence.id).unlisted > 0) {
      enqueue(() => {
        intake.tellStorm(occurrence.id);
        return undefined;
      });
    }
    deps.onTold?.(told, occurrence);
  }

  // --- life --------------------------------------------------------------------------------------------------------

  /** A task that comes again every `everyMs` of one clock; its name owns the timer. */
  function every(name: string, clock: Time, everyMs: number, task: () => void): void {
    timers.set(
      name,
      clock.after(everyMs, () => {
        if (!running) return;
        try {
          task();
        } catch (error) {
          logger.error({ err: error, task: name }, 'periodic task failed');
        }
        every(name, clock, everyMs, task);
      }),
    );
  }

  /** Another process (the command line) may have changed the store. */
  function noticeOtherWriters(): void {
    const version = store.dataVersion();
    if (version === dataVersion) return;
    dataVersion = version;
    relay.notify(store.openKeys().map((key) => key.correlationId));
  }

  /** What belonged to another instance: its open breaches open here, its pending steps are put aside and listed. */
  function moveToInstance(): void {
    const { firing, aside } = store.transaction(() => {
      const left = store.leaveOtherInstances();
      for (const occurrence of left.firing) {
        const moved: Occurrence = {
          ...occurrence,
          incident: null,
          toldSeverity: null,
          heldBy: null,
          place: occurrence.place === 'recorded' ? 'recorded' : 'wanted',
        };
        store.putOccurrence(moved);
        if (moved.place === 'wanted') store.addEntry(moved, 'open');
      }
      return left;
    });
    if (firing.length + aside > 0) {
      logger.warn(
        { instance: self.instance, reopened: firing.length, aside },
        'the instance changed: open breaches open here, pending steps of the old one were put aside',
      );
    }
  }

  function settleIdle(): void {
    if (waiting.length > 0 || committing || sending > 0 || walking > 0) return;
    const waiters = idleWaiters;
    idleWaiters = [];
    for (const waiter of waiters) waiter();
  }

  return {
    async start() {
      if (running) return;
      running = true;
      moveToInstance();
      claim = { state: 'claiming', untilMs: deliveryTime.monotonicMs() + config.handler.claimMs };
      offlineSinceMs = transport.state().state === 'connected' ? undefined : time.monotonicMs();
      forgetState = transport.onState((state) => onTransportState(state.state === 'connected'));
      subscriptions.push(await transport.subscribe(topics.statusFilter, onStatus));
      subscriptions.push(await transport.subscribe(topics.anomalyFilter, onAnomaly));
      tellStatus();
      timers.set('claim', deliveryTime.after(config.handler.claimMs, advanceClaim));
      every('status', deliveryTime, config.handler.statusMs, () => {
        advanceClaim();
        tellStatus();
        noticeOtherWriters();
      });
      const quietSweepMs = Math.min(60_000, Math.max(250, config.handler.quietMs / 10));
      every('quiet', time, quietSweepMs, sweepQuiet);
      const silenceSweepMs = Math.min(60_000, Math.max(250, (config.handler.deviceSilentMs || 60_000) / 10));
      every('silence', time, silenceSweepMs, sweepSilence);
    },

    async stop() {
      if (!running) return;
      running = false;
      forgetState?.();
      for (const timer of timers.values()) timer.cancel();
      timers.clear();
      await Promise.all(subscriptions.splice(0).map((subscription) => subscription.unsubscribe()));
      await relay.stop();
      store.close();
    },

    async idle() {
      for (;;) {
        if (waiting.length > 0 || committing || sending > 0 || walking > 0) {
          await new Promise<void>((resolve) => idleWaiters.push(resolve));
        }
        await relay.idle();
        if (waiting.length === 0 && !committing && sending === 0 && walking === 0 && relay.isIdle()) return;
      }
    },

    status: () => ({
      claim: claim.state,
      ...(claim.state === 'passive' ? { servedBy: claim.other } : {}),
      instance: self.instance,
      relay: relay.status(),
      counts: store.counts(),
      messages: { ...messages },
      devices: watch.list(time.monotonicMs()).slice(0, 1_000),
      storeFull,
    }),
    recent: (limit) => store.recent(limit),
    redrive(entryIds) {
      const keys = store.redrive(entryIds);
      relay.notify(keys);
      return keys.length;
    },
  };
}
