import type { ConfigurationStatus } from '../config/in-force.ts';
import type { Config } from '../config/schema.ts';
import type { HandlerStatus } from '../handler/handler.ts';
import type { Logger } from '../platform/logger.ts';
import type { Clock } from '../platform/time.ts';
import type { CountingTransport } from '../transport/transport.ts';
import { configurationFamilies } from './configuration-metrics.ts';
import { handlerFamilies, handlerReasons } from './handler-operations.ts';
import { mountHealth } from './health.ts';
import { createHttpServer, type HttpServer } from './http-server.ts';
import { metricSource, mountMetrics } from './metrics.ts';
import { type MonitorHealth, monitorFamilies, monitorReasons } from './monitor-operations.ts';
import { processMetrics } from './process-metrics.ts';
import { transportMetrics } from './transport-metrics.ts';

export interface OperationsContext {
  config: Config;
  configuration: () => ConfigurationStatus;
  /** Name and version. */
  software: string;
  transport: Pick<CountingTransport, 'state' | 'stats'>;
  logger: Logger;
  /** What chooses the port, for the sentence when it is taken; default is the field of the configuration. */
  portOption?: string;
}

/** Readings may be late by so many intervals before the monitor is not ready. */
const lateIntervals = 3;

/** Health and metrics of the sensor monitor on `http.monitorPort`; not started yet. */
export function monitorOperations(
  { config, configuration, software, transport, logger }: OperationsContext,
  monitor: { status(): MonitorHealth },
  clock: Pick<Clock, 'wallMs'>,
): HttpServer {
  const server = createHttpServer({
    ...{ host: config.http.host, port: config.http.monitorPort, allowedHosts: config.http.allowedHosts, logger },
    name: 'health and metrics of the sensor monitor',
    portOption: 'http.monitorPort',
  });
  const staleAfterMs = () => Math.max(config.noData.afterMs, lateIntervals * config.sensor.intervalMs);
  mountHealth(server.app, {
    component: 'sensor-monitor',
    software,
    reasons: () =>
      monitorReasons(monitor.status(), transport.state(), { nowMs: clock.wallMs(), staleAfterMs: staleAfterMs() }),
  });
  mountMetrics(server.app, [
    metricSource(monitorFamilies, () => monitor.status()),
    metricSource(configurationFamilies, configuration),
    transportMetrics(transport),
    processMetrics(software),
  ]);
  return server;
}

/** Health and metrics of the anomaly handler on `http.handlerPort`; not started yet. The console mounts on it too. */
export function handlerOperations(
  { config, configuration, software, transport, logger, portOption = 'http.handlerPort' }: OperationsContext,
  handler: { status(): HandlerStatus },
): HttpServer {
  const server = createHttpServer({
    ...{ host: config.http.host, port: config.http.handlerPort, allowedHosts: config.http.allowedHosts, logger },
    name: 'health, metrics and console of the anomaly handler',
    portOption,
  });
  mountHealth(server.app, {
    component: 'anomaly-handler',
    software,
    reasons: () => handlerReasons(handler.status(), transport.state()),
  });
  mountMetrics(server.app, [
    metricSource(handlerFamilies, () => handler.status()),
    metricSource(configurationFamilies, configuration),
    transportMetrics(transport),
    processMetrics(software),
  ]);
  return server;
}
