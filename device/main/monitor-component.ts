import { mkdirSync } from 'node:fs';
import type { AnomalyMessage } from '../anomaly/anomaly.ts';
import type { MachineClock } from '../monitor/machine-clock.ts';
import { createMonitor, lastWill, type Monitor, type MonitorStatus } from '../monitor/monitor.ts';
import { monitorOperations } from '../operations/component-operations.ts';
import type { MonitorHealth } from '../operations/monitor-operations.ts';
import type { Reading } from '../reading/reading.ts';
import type { Runtime } from '../runtime.ts';
import { createSource } from '../sensor/create-source.ts';
import { createTransport } from '../transport/create-transport.ts';
import { topics } from '../transport/topics.ts';
import type { ComponentContext } from './component.ts';

export interface MonitorComponentContext extends ComponentContext {
  machineClock: MachineClock;
  /** Sets the simulated machine's wall clock, for scenarios in which it jumps. */
  jumpWall?: (byMs: number) => void;
  onReading?: (reading: Reading) => void;
  onAnomaly?: (message: AnomalyMessage) => void;
  onEnded?: () => void;
}

/** Component 1, the sensor monitor, put on a runtime: transport, source, monitor, health and metrics. */
export async function startMonitorComponent(
  runtime: Runtime,
  context: MonitorComponentContext,
): Promise<{ monitor: Monitor; url(): string | undefined; reconfigure(configVersion: string): void }> {
  const { config, time, deliveryTime, random, newId } = context;
  const logger = context.logger.child({ component: 'monitor' });
  const names = topics(config.topics);
  mkdirSync(config.store.dataDir, { recursive: true, mode: 0o700 });
  const transport = await createTransport(config, {
    component: 'monitor',
    logger,
    time: deliveryTime,
    random,
    will: lastWill(config, names),
    ...(context.ipc === undefined ? {} : { ipc: context.ipc }),
  });
  const source = await createSource(config, {
    time,
    logger,
    transport,
    ...(context.jumpWall === undefined ? {} : { jumpWall: context.jumpWall }),
  });
  const monitor = createMonitor({
    config,
    configVersion: context.configuration().version,
    software: context.software,
    time,
    deliveryTime,
    machineClock: context.machineClock,
    transport,
    topics: names,
    source,
    dataDir: config.store.dataDir,
    logger,
    random,
    newId,
    ...(context.onReading === undefined ? {} : { onReading: context.onReading }),
    ...(context.onAnomaly === undefined ? {} : { onAnomaly: context.onAnomaly }),
    ...(context.onEnded === undefined ? {} : { onEnded: context.onEnded }),
  });
  await runtime.start('the connection of the monitor', transport);
  await runtime.start('the sensor monitor', monitor);
  const health = { status: () => healthOf(monitor.status()) };
  const { software, configuration } = context;
  const operations = monitorOperations({ config, configuration, software, transport, logger }, health, time);
  await runtime.start('health and metrics of the monitor', operations);
  return { monitor, url: operations.url, reconfigure: monitor.reconfigure };
}

function healthOf({ readings, sensor, firing, clock, ...status }: MonitorStatus): MonitorHealth {
  return {
    ...status,
    readings: { ...readings, failed: readings.faults },
    firing: firing.length,
    sensorFault: sensor.fault?.message,
    clockSynchronised: clock.synchronised,
  };
}
