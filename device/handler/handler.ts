import { join } from 'node:path';
import type { AnswerMessage, HandlerStatusMessage } from '../anomaly/anomaly.ts';
import type { Config } from '../config/schema.ts';
import type { IncidentDestination } from '../incident/destination.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import type { Silence, SilenceRequest } from '../incident/silence.ts';
import type { Entry } from '../outbox/entry.ts';
import { createRelay, type RelayStatus } from '../outbox/relay.ts';
import { createTeller, type Texts, type Told } from '../outbox/tell.ts';
import { lockDataDir } from '../platform/data-lock.ts';
import type { Logger } from '../platform/logger.ts';
import { createReserveFile } from '../platform/reserve-file.ts';
import { loggedStoreSync } from '../platform/store-sync.ts';
import { isoUtc, type Time, type Timer } from '../platform/time.ts';
import type { Topics } from '../transport/topics.ts';
import type { Subscription, Transport } from '../transport/transport.ts';
import { unsubscribeAll } from '../transport/unsubscribe-all.ts';
import { moveToInstance } from './change-of-instance.ts';
import type { Claim } from './claim.ts';
import { createDeviceWatch } from './device-watch.ts';
import { createInbox } from './inbox.ts';
import { createIntake, type OwnIdentity } from './intake.ts';
import { createOwnAlarms } from './own-alarms.ts';
import { createPresence } from './presence.ts';
import { createReception, type MessageCounts } from './reception.ts';
import { createSilences } from './silences.ts';
import { createSpace } from './space.ts';
import { type HandlerStore, handlerStoreName, openHandlerStore } from './store.ts';
import { createWalks } from './walks.ts';

export interface HandlerDeps {
  config: Config;
  /** Event time: sweeps, silences and quiet periods; the recording's clock in a replay. */
  time: Time;
  /** Real time: delivery. */
  deliveryTime: Time;
  transport: Transport;
  topics: Topics;
  destination: IncidentDestination;
  texts: Texts;
  /** Draws a breach as PNG, unless the signal is aborted; undefined where charts are off. */
  chart: ((occurrence: Occurrence, signal: AbortSignal) => Promise<Uint8Array>) | undefined;
  dataDir: string;
  logger: Logger;
  random: () => number;
  /** 32 random hex digits. */
  newId: () => string;
  onTold?: (told: Told, occurrence: Occurrence) => void;
  /** Another way to the store, for a disk that fails when it is told to; default `openHandlerStore`. */
  openStore?: typeof openHandlerStore;
}

export interface HandlerStatus {
  claim: Claim['state'];
  /** The handler that serves the instance instead, while passive. */
  servedBy?: string;
  instance: string;
  relay: RelayStatus;
  /** `silenced` of those that fire are held back by one of the `silences`. */
  counts: {
    entries: number;
    dead: number;
    aside: number;
    rejected: number;
    firing: number;
    silenced: number;
    silences: number;
  };
  messages: MessageCounts;
  devices: { site: string; deviceId: string; unheardMs: number }[];
  storeFull: boolean;
}

export interface Handler {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What is `live` in the configuration has changed, in the object that this handler was made with. */
  reconfigure(): void;
  /** Resolves once all that came in is stored and answered, and nothing is due to be told. */
  idle(): Promise<void>;
  status(): HandlerStatus;
  /** Breaches, the latest told first. */
  recent(limit: number): Occurrence[];
  /** Breaches that last; no more than `limit`, in no order. */
  firing(limit: number): Occurrence[];
  breach(id: string): Occurrence | undefined;
  /** Steps that the instance refused, the oldest first. */
  deadLetters(limit: number): Entry[];
  /** Since when the oldest of what is due waits, epoch ms of real time; undefined where nothing does. */
  oldestEntryMs(): number | undefined;
  /** Makes dead letters wait again. */
  redrive(entryIds: readonly number[] | 'all'): number;
  /** Silences that last, the first to end first. */
  silences(): Silence[];
  /**
   * Holds back, from now on, what is told of the breaches that it covers.
   * @throws AppError `bad-silence`; `store-unusable` where the disk refuses it.
   */
  silence(request: SilenceRequest): Silence;
  /** Ends a silence before its time; false where there is none of this id. @throws AppError `store-unusable` */
  endSilence(id: string): boolean;
}

/** Devices that a status lists. */
const mostListed = 1_000;

/**
 * The anomaly handler: takes anomalies in, decides with the policy what becomes of them, and tells the instance.
 * What was received, the new state and the outbox entry are one transaction; the answer follows the commit.
 * @throws AppError `data-dir-in-use`, and as `openStore`.
 */
export function createHandler(deps: HandlerDeps): Handler {
  const { config, time, deliveryTime, transport, topics, destination, logger } = deps;
  const lock = lockDataDir(deps.dataDir, 'anomaly-handler');
  const store = openedOrUnlocked();
  const own = ownIdentity();
  const space = createSpace({
    transaction: store.transaction,
    reserve: createReserveFile(join(deps.dataDir, 'handler.reserve'), config.store.reserveBytes),
    logger,
  });
  const intake = createIntake(
    store,
    { policy: config.handler, attachChart: config.serviceNow.attachChart && deps.chart !== undefined },
    own,
    time,
  );
  const inbox = createInbox({
    transaction: (work) => space.take(work, 'grouped'),
    afterSync: store.afterSync,
    onRolledBack: intake.reload,
    onCommitted() {
      relay.notify(intake.takeWoken());
      settleIdle();
    },
    logger,
  });
  const { closeCode } = config.serviceNow;
  const teller = createTeller({ destination, texts: deps.texts, closeCode, chart: deps.chart, held: store });
  const relay = createRelay({
    store: { ...store, transaction: (work) => space.finish(work, 'grouped') },
    destination,
    teller,
    options: {
      ...config.delivery,
      baseMs: config.delivery.backoffBaseMs,
      capMs: config.delivery.backoffCapMs,
    },
    policy: config.handler,
    time,
    deliveryTime,
    random: deps.random,
    logger: logger.child({ module: 'relay' }),
    onTold,
  });
  const watch = createDeviceWatch(config.handler);
  const ownAlarms = createOwnAlarms({
    site: config.site,
    policy: config.handler,
    watch,
    intake,
    time,
    add: inbox.add,
  });
  const silences = createSilences({
    store,
    take: space.take,
    apply: intake.applySilences,
    onFailed: intake.reload,
    onApplied: () => relay.notify(intake.takeWoken()),
    time,
    newId: deps.newId,
    logger,
  });
  const walks = createWalks({
    relay,
    add: inbox.add,
    store,
    intake,
    policy: config.handler,
    own,
    time,
    deliveryTime,
    onIdle: settleIdle,
  });
  const presence = createPresence({
    handlerId: own.installationId,
    instance: destination.instance,
    policy: config.handler,
    newId: deps.newId,
    deliveryTime,
    send: (status) => send(topics.handlerStatus, status),
    onActive(after) {
      if (after === 'passive') {
        // Nothing was heard here meanwhile, and what the other one wrote is not known.
        watch.forgive(time.monotonicMs());
        walks.forget();
      }
      relay.start({ unknownWrites: after === 'passive' });
    },
    onPassive: () => void relay.stop(),
    logger,
  });
  const reception = createReception({
    config,
    topics,
    time,
    store,
    intake,
    inbox,
    relay,
    watch,
    walks,
    presence,
    handlerId: own.installationId,
    isFull: space.isFull,
    send,
  });
  const subscriptions: Subscription[] = [];
  const timers = new Map<string, Timer>();
  let sending = 0;
  let idleWaiters: (() => void)[] = [];
  let life: 'new' | 'running' | 'stopped' = 'new';
  let forgetState: (() => void) | undefined;
  let dataVersion = store.dataVersion();

  function openedOrUnlocked(): HandlerStore {
    try {
      const open = deps.openStore ?? openHandlerStore;
      const path = join(deps.dataDir, handlerStoreName);
      return open(path, destination.instance, deliveryTime, loggedStoreSync(logger));
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  function ownIdentity(): OwnIdentity {
    const stored = store.ownInstallation();
    const { id, createdAt } = stored ?? { id: deps.newId(), createdAt: isoUtc(deliveryTime.wallMs()) };
    if (stored === undefined) store.transaction(() => store.setOwnInstallation({ id, createdAt }));
    return { installationId: id, createdAt, bootId: deps.newId() };
  }

  // --- what is said ------------------------------------------------------------------------------------------------

  /** An answer that is lost is asked for again, so its failure needs no care. */
  function send(topic: string, message: AnswerMessage | HandlerStatusMessage): void {
    sending += 1;
    void transport.publish(topic, JSON.stringify(message)).then((result) => {
      sending -= 1;
      if (!result.ok) logger.debug({ topic, reason: result.reason }, 'message not sent');
      settleIdle();
    });
  }

  function onTold(told: Told, occurrence: Occurrence): void {
    // A storm goes on listing what it holds until all of it is told.
    if (occurrence.message.rule === 'storm' && store.isAnyUnlisted(occurrence.id)) {
      inbox.add(() => {
        intake.tellStorm(occurrence.id);
        return undefined;
      });
    }
    deps.onTold?.(told, occurrence);
  }

  // --- what comes with time ----------------------------------------------------------------------------------------

  /** A task that comes again every `everyMs` of one clock, while this handler serves; its name owns the timer. */
  function every(name: string, clock: Time, everyMs: number, task: () => void): void {
    timers.get(name)?.cancel();
    timers.set(
      name,
      clock.after(everyMs, () => {
        if (life !== 'running') return;
        try {
          task();
        } catch (error) {
          logger.error({ err: error, task: name }, 'periodic task failed');
        }
        every(name, clock, everyMs, task);
      }),
    );
  }

  /** Ends quiet periods of devices that are silent: real time goes on for them. */
  function sweepQuiet(): void {
    if (presence.claim().state === 'passive') return;
    // Mostly there is nothing, and then no transaction is begun: it would keep everybody else from the file.
    if (!intake.isStorming() && !store.isAnyInQuiet()) return;
    const nowMs = time.monotonicMs();
    inbox.add(() => {
      const released: string[] = [];
      for (const { site, deviceId } of store.devicesInQuiet()) {
        const eventMs = watch.eventTime(site, deviceId, nowMs, time.wallMs());
        if (eventMs !== undefined) released.push(...store.releaseQuiet(site, deviceId, { atMs: eventMs }));
      }
      intake.tellStorms();
      return () => relay.notify(released);
    });
  }

  /** Each anew, for their times are those of the configuration. */
  function startTasks(): void {
    const { statusMs, quietMs, deviceSilentMs } = config.handler;
    every('status', deliveryTime, statusMs, beat);
    every('quiet', time, sweepEveryMs(quietMs), sweepQuiet);
    every('own alarms', time, sweepEveryMs(deviceSilentMs || 60_000), sweepOwnAlarms);
  }

  function sweepOwnAlarms(): void {
    if (presence.claim().state !== 'passive') ownAlarms.sweep();
  }

  function beat(): void {
    presence.advance();
    presence.tell();
    space.recheck();
    silences.recheck();
    if (presence.claim().state !== 'active') return;
    noticeOtherWriters();
    walks.goOn();
  }

  /** Another process (the command line) may have changed the store: a person's word, so a paused instance is tried. */
  function noticeOtherWriters(): void {
    const version = store.dataVersion();
    if (version === dataVersion) return;
    dataVersion = version;
    silences.apply();
    relay.notify(store.openKeys().map((key) => key.correlationId));
    relay.retryNow();
  }

  // --- life --------------------------------------------------------------------------------------------------------

  function takeOver(): void {
    const { reopened, aside } = moveToInstance(store);
    if (reopened + aside > 0) {
      logger.warn(
        { instance: destination.instance, reopened, aside },
        'the instance changed: open breaches open here, pending steps of the old one were put aside',
      );
    }
    const nowMs = time.monotonicMs();
    for (const { site, deviceId } of store.devices(config.handler.maxDevices)) {
      if (reception.serves(deviceId)) watch.expect(site, deviceId, time.wallMs(), nowMs);
    }
    space.recheck();
    silences.apply();
  }

  function isQuiet(): boolean {
    return inbox.isIdle() && sending === 0 && walks.isIdle();
  }

  function settleIdle(): void {
    if (!isQuiet() && life === 'running') return;
    const waiters = idleWaiters;
    idleWaiters = [];
    for (const waiter of waiters) waiter();
  }

  return {
    async start() {
      if (life !== 'new') return;
      life = 'running';
      takeOver();
      ownAlarms.connection(transport.state().state === 'connected');
      forgetState = transport.onState(({ state }) => {
        ownAlarms.connection(state === 'connected');
        if (state === 'connected') presence.tell();
      });
      subscriptions.push(await transport.subscribe(topics.statusFilter, reception.onStatus));
      subscriptions.push(await transport.subscribe(topics.anomalyFilter, reception.onAnomaly));
      presence.begin();
      timers.set('claim', deliveryTime.after(config.handler.claimMs, presence.advance));
      startTasks();
    },

    reconfigure() {
      if (life !== 'running') return;
      startTasks();
      beat();
      sweepOwnAlarms();
      relay.policyChanged();
    },

    async stop() {
      if (life === 'stopped') return;
      const wasRunning = life === 'running';
      life = 'stopped';
      forgetState?.();
      for (const timer of timers.values()) timer.cancel();
      timers.clear();
      silences.stop();
      if (wasRunning) {
        inbox.stop();
        // Together: a relay that went on meanwhile would begin what it has no time to end.
        await Promise.all([unsubscribeAll(subscriptions.splice(0), deliveryTime), relay.stop()]);
      }
      settleIdle();
      store.close();
      lock.release();
    },

    async idle() {
      while (life === 'running' && !(isQuiet() && relay.isIdle())) {
        if (!isQuiet()) await new Promise<void>((resolve) => idleWaiters.push(resolve));
        await relay.idle();
      }
    },

    status() {
      const claim = presence.claim();
      return {
        claim: claim.state,
        ...(claim.state === 'passive' ? { servedBy: claim.other } : {}),
        instance: destination.instance,
        relay: relay.status(),
        counts: store.counts(),
        messages: reception.counts(),
        devices: watch.list(time.monotonicMs(), mostListed),
        storeFull: space.isFull(),
      };
    },
    recent: (limit) => store.recent(limit),
    firing: (limit) => store.someFiring(limit),
    breach: (id) => store.occurrence(id),
    deadLetters: (limit) => store.deadLetters().slice(0, limit),
    oldestEntryMs: () => store.oldestWaitsSince() ?? undefined,
    redrive(entryIds) {
      const keys = store.transaction(() => store.redrive(entryIds));
      relay.notify(keys);
      return keys.length;
    },
    silences: silences.list,
    silence: silences.set,
    endSilence: silences.end,
  };
}

/** Ten looks in each period, at least every minute and at most four a second. */
function sweepEveryMs(periodMs: number): number {
  return Math.min(60_000, Math.max(250, periodMs / 10));
}
