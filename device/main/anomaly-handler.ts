import { componentNames } from '../greengrass/components.ts';
import { startHandlerComponent } from './handler-component.ts';
import { runComponent } from './run-component.ts';

await runComponent({
  name: 'anomaly-handler',
  description: 'Turns anomalies into ServiceNow incidents, exactly one each.',
  component: componentNames['anomaly-handler'],
  start: startHandlerComponent,
});
