import type { Logger } from '@aws-lambda-powertools/logger';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { createServiceNow } from '../../device/incident/servicenow/client.ts';
import { incidentTexts } from '../../device/incident/texts.ts';
import { createLogins } from '../../device/outbox/logins.ts';
import { createTeller } from '../../device/outbox/tell.ts';
import { createLogger } from '../../device/platform/logger.ts';
import { systemTime } from '../../device/platform/time.ts';
import type { Secrets } from '../../device/secrets/secrets.ts';
import { readEnvironment } from '../shared/environment.ts';
import { createParking } from '../shared/parking.aws.ts';
import { countParked, createTelemetry } from '../shared/telemetry.aws.ts';
import { openerConfiguration } from './contract.ts';
import { createOpenerService, type OpenerService } from './opener-service.ts';
import { createStateTable } from './state-table.aws.ts';
import type { TellDeps } from './tell-deps.ts';

const environment = readEnvironment(
  z.object({
    STATE_TABLE_NAME: z.string(),
    PARKING_QUEUE_URL: z.url(),
    SECRET_NAME: z.string(),
    CONFIGURATION: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(openerConfiguration),
  }),
);
const { serviceNow, handler: policy, delivery } = environment.CONFIGURATION;
const dynamo = new DynamoDBClient();
const parking = createParking(new SQSClient(), environment.PARKING_QUEUE_URL);
const logger = createLogger({ level: 'warn' });
export const telemetry = createTelemetry();
let secrets: Promise<Secrets> | undefined;

/** The opener for the length of one call. */
export interface Opener extends OpenerService {
  close(): Promise<void>;
}

/** @param deadlineMs When the call has to end, epoch ms. */
export async function createOpener(deadlineMs: number): Promise<Opener> {
  secrets ??= readSecrets();
  // A connection of its own for each call: one that was frozen with the function would end under a request.
  const destination = createServiceNow(serviceNow, { secrets: await secrets, logger, time: systemTime });
  const store = createStateTable(dynamo, environment.STATE_TABLE_NAME, destination.instance);
  const logins = createLogins(destination);
  const deps: TellDeps = {
    store,
    destination,
    teller: createTeller({
      destination,
      texts: incidentTexts({ timeZone: serviceNow.timeZone, clock: systemTime }),
      closeCode: serviceNow.closeCode,
      chart: undefined,
      held: { heldUnlisted: () => [], markListed: () => undefined },
    }),
    isLoginRenewed: () => logins.isRenewed(logins.current()),
    policy: { ...policy, ...delivery, timeoutMs: serviceNow.timeoutMs },
    nowMs: Date.now,
    random: Math.random,
    deadlineMs,
    async onDead({ correlationId: key, message }, entry, reason) {
      const bytes = Buffer.from(JSON.stringify(message));
      const parked = [
        { id: `${key}:${entry.id}`, reason: 'refused-record', detail: `${entry.kind}: ${reason}`, bytes },
      ];
      await parking.park(parked);
      countParked(telemetry, parked);
    },
    async onLeftOut({ id, correlationId: key, message }) {
      const bytes = Buffer.from(JSON.stringify(message));
      const parked = [{ id, reason: 'left-out', detail: `too many breaches of ${key} wait to be told`, bytes }];
      await parking.park(parked);
      countParked(telemetry, parked);
    },
    onTold({ kind }, key) {
      const byKind = telemetry.metrics.singleMetric();
      byKind.addDimension('told', kind);
      byKind.addMetric('IncidentsTold', MetricUnit.Count, 1);
      warnOf(telemetry.logger, kind, key);
    },
    onPaused: (reason) => telemetry.logger.warn('instance paused', { reason }),
  };
  return { ...createOpenerService(deps, policy), close: () => destination.close() };
}

/** Loaded by itself, as any adapter of the device. */
async function readSecrets(): Promise<Secrets> {
  const { secretsManagerSecrets } = await import('../../device/secrets/secrets-manager.ts');
  return secretsManagerSecrets({
    name: environment.SECRET_NAME,
    region: undefined,
    endpoint: undefined,
    time: systemTime,
  });
}

/** What a person should look at. */
function warnOf(log: Logger, kind: string, key: string): void {
  if (kind === 'duplicate-canceled' || kind === 'released')
    log.warn('an incident was changed by others', { kind, key });
}
