import type { Secrets } from '../../../device/secrets/secrets.ts';
import { site } from './chronicle.ts';
import type { DeviceCode } from './device-code.ts';
import { diskFull, instantSync, type Survival } from './disk.ts';
import { toldEnds } from './instance-texts.ts';
import type { Life } from './life.ts';
import type { SideDeps } from './monitor-side.ts';
import { settleMs } from './schedule.ts';
import { type Credentials, firstCredentials, type SimulatedServiceNow } from './service-now.ts';

type Handler = ReturnType<DeviceCode['createHandler']>;
type Store = ReturnType<DeviceCode['openHandlerStore']>;

/** The handler, and what a person does at its console. */
export interface HandlerSide {
  begin(life: Life): Promise<{ stop: () => Promise<void> }>;
  /** After a crash, or a stop in order. */
  ended(survival: Survival): void;
  /** What the secret holds; each has a version of its own. */
  secret: Credentials;
  silence(deviceId: string | undefined, forMs: number): void;
  endSilences(): void;
  redrive(): void;
  /** A person's word that the incidents that the handler knew are gone. */
  trustEmpty(): void;
  status(): ReturnType<Handler['status']> | undefined;
  /** Breaches that it knows of. */
  recent(limit: number): ReturnType<Handler['recent']>;
  close(): void;
}

export interface HandlerSideDeps extends SideDeps {
  services: readonly SimulatedServiceNow[];
}

export const stormWindowMs = 30_000;
/** Ended breaches that the handler keeps for the record. */
export const endedKept = 100;
/** Any picture: drawing a real one takes longer than a schedule. */
const picture = new Uint8Array([0x89, 0x50, 0x4e, 0x47]);

export function createHandlerSide(deps: HandlerSideDeps): HandlerSide {
  const { time, setup, device, disk, chronicle, network, services, logger, random, newId } = deps;
  const opened: Store[] = [];
  let isPersonWaiting = false;
  let current: { life: Life; handler: Handler; store: Store | undefined } | undefined;

  /** A person at the console. No crash strikes before the answer, so that it is known what the person saw. */
  function ask(question: (handler: Handler) => void): 'done' | 'refused' {
    const handler = alive()?.handler;
    if (handler === undefined) return 'refused';
    isPersonWaiting = true;
    try {
      question(handler);
      return 'done';
    } catch {
      // A full disk, which it tells the person.
      return 'refused';
    } finally {
      isPersonWaiting = false;
    }
  }

  function openStore(life: Life, ...parameters: Parameters<DeviceCode['openHandlerStore']>): Store {
    const [path, instance, clock] = parameters;
    const store = device.openHandlerStore(path, instance, clock, instantSync);
    opened.push(store);
    return {
      ...store,
      transaction(work, durability) {
        const result = store.transaction(() => {
          const done = work();
          if (disk.isFull) {
            chronicle.met.add('full disks');
            chronicle.handlerRefusals.push(time.wallMs());
            throw diskFull();
          }
          if (!isPersonWaiting) life.cross({ port: 'commit', when: 'before' });
          return done;
        }, durability);
        for (const service of services) service.stored(life);
        if (!isPersonWaiting) life.cross({ port: 'commit', when: 'after' });
        return result;
      },
    };
  }

  function config(service: number) {
    return device.configSchema.parse({
      site,
      deviceId: 'handler-machine',
      handler: {
        quietMs: setup.quietMs,
        reopenWindowMs: setup.reopenWindowMs,
        noteIntervalMs: 60_000,
        deviceSilentMs: setup.deviceSilentMs,
        claimMs: 0,
        storm: { keys: setup.stormKeys, windowMs: stormWindowMs },
        keepEnded: endedKept,
        maxNewPerHour: setup.maxNewPerHour,
      },
      delivery: { settleMs, backoffCapMs: 10_000, pauseMs: 20_000, breakerFailures: 5 },
      serviceNow: {
        url: `https://instance-${service}.example`,
        attachChart: setup.charts,
        timeoutMs: 10_000,
        auth: 'basic',
      },
      store: { reserveBytes: 0 },
    });
  }

  const configs = services.map((_service, index) => config(index));

  function secrets(): Secrets {
    return {
      kind: 'simulated',
      get: async () => ({ ok: true, credentials: { ...side.secret }, version: side.secret.password }),
    };
  }

  const side: HandlerSide = {
    secret: firstCredentials,

    async begin(life) {
      const { service } = chronicle.served;
      const lifeTime = life.time({ wallMs: () => time.wallMs(), monotonicMs: () => time.monotonicMs() });
      const [own, instance] = [configs[service], services[service]];
      if (own === undefined || instance === undefined) throw new Error(`there is no instance ${service}`);
      const destination = device.createServiceNow(own.serviceNow, {
        secrets: secrets(),
        logger,
        time: lifeTime,
        createHttp: () => instance.http(life),
      });
      let store: Store | undefined;
      const handler = device.createHandler({
        config: own,
        time: lifeTime,
        deliveryTime: lifeTime,
        transport: network.transport('handler', life),
        topics: device.topics(own.topics),
        destination,
        texts: device.incidentTexts({ timeZone: 'UTC', clock: lifeTime }),
        chart: setup.charts ? async () => picture : undefined,
        dataDir: disk.folder(),
        logger,
        random,
        newId,
        openStore(...parameters) {
          store = openStore(life, ...parameters);
          return store;
        },
      });
      current = { life, handler, store };
      await handler.start();
      return { stop: () => handler.stop() };
    },

    ended(survival) {
      if (survival === 'nothing' || survival === 'backup') {
        const ends = new Set(services.flatMap((service) => [...toldEnds(service)]));
        chronicle.handlerLosses.push({ atMs: time.wallMs(), ends });
        for (const silence of chronicle.silences) silence.toMs = Math.min(silence.toMs, time.wallMs());
      }
      current = undefined;
    },

    silence(deviceId, forMs) {
      const [fromMs, toMs] = [time.wallMs(), time.wallMs() + forMs];
      const about = deviceId === undefined ? {} : { deviceId };
      const answer = ask((handler) => {
        handler.silence({ ...about, author: 'a person', reason: 'maintenance', untilMs: toMs });
      });
      if (answer === 'done') chronicle.silences.push({ deviceId, fromMs, toMs });
    },

    endSilences() {
      const answer = ask((handler) => {
        for (const { id } of handler.silences()) handler.endSilence(id);
      });
      if (answer === 'refused') return;
      for (const silence of chronicle.silences) silence.toMs = Math.min(silence.toMs, time.wallMs());
    },

    redrive() {
      ask((handler) => {
        if (handler.redrive('all') > 0) chronicle.met.add('dead letters');
      });
    },
    trustEmpty() {
      alive()?.store?.forgetKnownRows();
    },
    status: () => alive()?.handler.status(),
    recent: (limit) => alive()?.handler.recent(limit) ?? [],
    close() {
      for (const store of opened) store.close();
    },
  };

  function alive() {
    return current === undefined || current.life.isOver() ? undefined : current;
  }

  return side;
}
