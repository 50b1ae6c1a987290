import { randomBytes } from 'node:crypto';
import { loadConfig } from '../../../device/config/load.ts';
import { startHandlerComponent } from '../../../device/main/handler-component.ts';
import { startMonitorComponent } from '../../../device/main/monitor-component.ts';
import { systemMachineClock } from '../../../device/monitor/machine-clock.ts';
import { createLogger } from '../../../device/platform/logger.ts';
import { systemTime } from '../../../device/platform/time.ts';
import { software } from '../../../device/platform/version.ts';
import { runUntilSignal } from '../../../device/run-until-signal.ts';
import { createRuntime } from '../../../device/runtime.ts';

/** Both components in one process, with the broker between them, to be set beside flows that are one process, too. */
const [file = ''] = process.argv.slice(2);
const runtime = createRuntime({ time: systemTime, logger: createLogger({ level: 'warn' }) });
await runUntilSignal(runtime, async () => {
  const { config, version, origin } = await loadConfig({ file });
  const status = { version, origin, sinceMs: systemTime.wallMs(), refused: undefined };
  const context = {
    ...{ config, configuration: () => status, software, logger: createLogger({ level: config.log.level }) },
    ...{ time: systemTime, deliveryTime: systemTime, random: Math.random },
    newId: () => randomBytes(16).toString('hex'),
  };
  await startHandlerComponent(runtime, context);
  await startMonitorComponent(runtime, { ...context, machineClock: systemMachineClock() });
  return undefined;
});
