import { mkdirSync } from 'node:fs';
import { createConsole } from '../console/console.ts';
import { consoleToken } from '../console/token.ts';
import { createHandler, type Handler } from '../handler/handler.ts';
import { createChart } from '../incident/chart.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { createServiceNow } from '../incident/servicenow/client.ts';
import { incidentTexts } from '../incident/texts.ts';
import { handlerOperations } from '../operations/component-operations.ts';
import type { Told } from '../outbox/tell.ts';
import type { Runtime } from '../runtime.ts';
import { createSecrets } from '../secrets/create-secrets.ts';
import { createTransport } from '../transport/create-transport.ts';
import { topics } from '../transport/topics.ts';
import type { ComponentContext } from './component.ts';

export interface HandlerComponentContext extends ComponentContext {
  onTold?: (told: Told, occurrence: Occurrence) => void;
  /** What chooses the port of the console, for the sentence when it is taken. Default `http.handlerPort`. */
  portOption?: string;
}

export interface HandlerComponent {
  handler: Handler;
  /** Health, metrics and console; undefined where they are switched off. */
  url(): string | undefined;
  /** Link to the console with its token, which no log may hold; undefined where there is no console. */
  consoleLink(): string | undefined;
  /** What is `live` in the configuration has changed. */
  reconfigure(): void;
}

/**
 * Component 2, the anomaly handler, put on a runtime: transport, secrets, ServiceNow client, handler, health and metrics,
 * console.
 */
export async function startHandlerComponent(
  runtime: Runtime,
  context: HandlerComponentContext,
): Promise<HandlerComponent> {
  const { config, time, deliveryTime, random, newId } = context;
  const logger = context.logger.child({ component: 'handler' });
  const { dataDir } = config.store;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const ipc = context.ipc === undefined ? {} : { ipc: context.ipc };
  const transport = await createTransport(config, { component: 'handler', logger, time: deliveryTime, random, ...ipc });
  const secrets = await createSecrets(config.secrets, { dataDir, time: deliveryTime, ...ipc });
  const destination = createServiceNow(config.serviceNow, {
    secrets,
    logger: logger.child({ module: 'servicenow' }),
    time: deliveryTime,
  });
  const handler = createHandler({
    config,
    time,
    deliveryTime,
    transport,
    topics: topics(config.topics),
    destination,
    texts: incidentTexts({
      ...{ timeZone: config.serviceNow.timeZone, clock: time },
      consoleUrl: config.console.enabled ? config.console.url : undefined,
    }),
    chart: config.serviceNow.attachChart ? createChart() : undefined,
    dataDir,
    logger,
    random,
    newId,
    ...(context.onTold === undefined ? {} : { onTold: context.onTold }),
  });
  await runtime.start('the ServiceNow client', { stop: () => destination.close() });
  await runtime.start('the connection of the handler', transport);
  await runtime.start('the anomaly handler', handler);
  const { software, portOption, configuration } = context;
  const operations = handlerOperations(
    { config, configuration, software, transport, logger, ...(portOption === undefined ? {} : { portOption }) },
    handler,
  );
  const isServed = config.console.enabled && config.http.handlerPort !== -1;
  const token = isServed ? consoleToken(dataDir) : undefined;
  if (token !== undefined) {
    const console = createConsole(operations.app, {
      config,
      configuration: { config, status: context.configuration },
      ...{ software, handler, transport, topics: topics(config.topics), dataDir, token, time, deliveryTime },
      logger: logger.child({ module: 'console' }),
    });
    await runtime.start('the device console', console);
  }
  await runtime.start('health and metrics of the handler', operations);
  return {
    handler,
    url: operations.url,
    reconfigure: handler.reconfigure,
    consoleLink() {
      const url = operations.url();
      return url === undefined || token === undefined ? undefined : `${url}/#token=${token}`;
    },
  };
}
