import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { HttpApp } from '../operations/http-server.ts';
import { assetResponse, documentResponse, pageAssets } from '../pages/assets.ts';
import { createEventStreams } from '../pages/event-streams.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import type { Topics } from '../transport/topics.ts';
import type { Transport } from '../transport/transport.ts';
import { createAccess } from './access.ts';
import { createBreaches } from './breaches.ts';
import { configurationInForce, type GivenConfiguration } from './configuration.ts';
import type { DeviceSeries, Overview } from './contract.ts';
import { createHistory } from './history.ts';
import { createLiveValues } from './live-values.ts';
import { createOverview } from './overview.ts';
import { type ConsoleData, mountApi, type SeriesRange } from './routes.ts';
import { createSensorEar } from './sensor-ear.ts';
import type { ServedHandler } from './served-handler.ts';

export interface ConsoleOptions {
  config: Config;
  configuration: GivenConfiguration;
  software: string;
  handler: ServedHandler;
  transport: Pick<Transport, 'subscribe' | 'state'>;
  topics: Topics;
  dataDir: string;
  token: string;
  /** Event time: what readings and breaches speak of. */
  time: Time;
  /** Real time. */
  deliveryTime: Time;
  logger: Logger;
}

export interface Console {
  start(): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** Name of its file in the handler's data directory. */
const historyFileName = 'console.db';

/** How often pages are told what came in. */
const beatMs = 500;
const beatsBetweenLooks = 2;
/** Ages and instants grow without an event; they are told anew after so many beats. */
const beatsBetweenOverviews = 20;
const mostPages = 16;
const mostDeadLetters = 200;
const heartbeatMs = 15_000;
/** A gap in a curve is at least so many times the distance of its points. */
const gapFactor = 2.5;

/** The device console on the handler's HTTP server: mounted before that starts, listening to readings once started. */
export function createConsole(app: HttpApp, options: ConsoleOptions): Console {
  const { config, handler, topics, time, deliveryTime, logger } = options;
  const history = createHistory({
    path: join(options.dataDir, historyFileName),
    ...{ historyMs: config.console.historyMs, maxDevices: config.console.maxDevices },
    ...{ time, deliveryTime, logger },
  });
  const breaches = createBreaches(handler, deliveryTime);
  const source = createOverview({ ...options, breaches, history });
  const live = createLiveValues();
  const streams = createEventStreams({ time: deliveryTime, mostClients: mostPages, heartbeatMs });
  const ear = createSensorEar({
    transport: options.transport,
    topics,
    serves: (deviceId) => config.handler.devices.length === 0 || config.handler.devices.includes(deviceId),
    onReading(reading) {
      if (history.add(reading) === 'kept' && streams.clients() > 0) live.add(reading);
    },
    onHeartbeat: source.heartbeat,
  });
  let beat: Timer | undefined;
  let beats = 0;
  let toldShape = '';
  let life: 'new' | 'running' | 'stopped' = 'new';

  const data: ConsoleData = {
    overview: source.overview,
    series,
    deadLetters: () =>
      handler.deadLetters(mostDeadLetters).map(({ id, kind, correlationId, attempts, error, occurrenceId }) => {
        const occurrence = breaches.byId(occurrenceId);
        return {
          ...{ id, kind, correlationId, attempts, error: error ?? '' },
          breach: occurrence === undefined ? null : source.breach(occurrence),
        };
      }),
    configuration: () => configurationInForce(options.configuration),
    events() {
      const answer = streams.open([{ name: 'overview', data: source.overview() }]);
      keepBeating();
      return answer;
    },
    redrive(ids) {
      const keys = handler.redrive(ids);
      logger.info({ keys }, 'dead letters redriven from the console');
      return keys;
    },
    silence({ durationMs, ...silence }) {
      const set = handler.silence({ ...silence, untilMs: time.wallMs() + durationMs });
      logger.info({ silence: set }, 'silence set from the console');
      return set;
    },
    endSilence(id) {
      const ended = handler.endSilence(id);
      if (ended) logger.info({ id }, 'silence ended from the console');
      return ended;
    },
  };

  function series({ site, deviceId, fromMs, toMs, points }: SeriesRange): DeviceSeries | undefined {
    const device = history.devices().find((one) => one.site === site && one.deviceId === deviceId);
    if (device === undefined) return undefined;
    const all = device.metrics.map(({ metric }) => ({
      metric,
      ...history.series({ site, deviceId, metric, fromMs, toMs, points }),
    }));
    const coarsestMs = Math.max(0, ...all.map(({ resolutionMs }) => resolutionMs));
    return {
      ...{ site, deviceId, fromMs, toMs },
      gapMs: Math.max(config.noData.afterMs, gapFactor * coarsestMs),
      series: all.map(({ metric, points: buckets }) => ({
        metric,
        points: buckets.map(({ atMs, min, max, sum, count }) => [atMs, min, max, sum / count]),
      })),
    };
  }

  /** Runs while somebody looks. */
  function keepBeating(): void {
    beat ??= deliveryTime.after(beatMs, () => {
      beat = undefined;
      if (streams.clients() === 0) {
        live.take();
        return;
      }
      tell();
      keepBeating();
    });
  }

  function tell(): void {
    beats += 1;
    const devices = live.take();
    if (devices.length > 0) streams.send({ name: 'values', data: { nowMs: time.wallMs(), devices } });
    if (beats % beatsBetweenLooks !== 0) return;
    const overview = source.overview();
    const shape = shapeOf(overview);
    if (shape === toldShape && beats % beatsBetweenOverviews !== 0) return;
    toldShape = shape;
    streams.send({ name: 'overview', data: overview });
  }

  mountApi(app, createAccess(options.token), data);
  app.get('/', async () => documentResponse(await pageAssets('console')));
  app.get(
    '/assets/:file',
    async (c) => assetResponse(await pageAssets('console'), c.req.param('file')) ?? c.notFound(),
  );

  return {
    async start() {
      if (life !== 'new') return;
      life = 'running';
      history.start();
      await ear.start();
    },
    async stop() {
      if (life === 'stopped') return;
      const wasRunning = life === 'running';
      life = 'stopped';
      beat?.cancel();
      streams.stop();
      if (wasRunning) await ear.stop();
      history.stop();
    },
  };
}

/** What changes with every reading or every second; pages get it by itself. */
const moving: ReadonlySet<string> = new Set([
  ...['nowMs', 'heardAtMs', 'lastReadingAtMs', 'value', 'atMs'],
  ...['oldestAgeMs', 'settlingMs', 'inFlightKeys', 'readingsRefused'],
]);

function shapeOf(overview: Overview): string {
  return JSON.stringify(overview, (name, value: unknown) => (moving.has(name) ? undefined : value));
}
