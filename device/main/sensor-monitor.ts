import { componentNames } from '../greengrass/components.ts';
import { systemMachineClock } from '../monitor/machine-clock.ts';
import { startMonitorComponent } from './monitor-component.ts';
import { runComponent } from './run-component.ts';

await runComponent({
  name: 'sensor-monitor',
  description: 'Reads the sensor, publishes every reading, and tells of anomalies.',
  component: componentNames['sensor-monitor'],
  start: (runtime, context) => startMonitorComponent(runtime, { ...context, machineClock: systemMachineClock() }),
});
