import { LogLevel } from '@aws-lambda-powertools/logger';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { askAgent } from './ask-agent.ts';
import { agentPort, configurationPath } from './contract.ts';
import { createCurrentSettings } from './current-settings.ts';

const environment = readEnvironment(
  z.object({ APPCONFIG_PROFILE: configurationPath, AWS_APPCONFIG_EXTENSION_HTTP_PORT: agentPort }),
);
const { logger, metrics } = createTelemetry();
const currentSettings = createCurrentSettings();
let isCold = true;

interface Shown {
  event: unknown;
  ColdStart: boolean;
  LogLevel: string;
  tempLimit: number;
  humidLimit: number;
  stale?: true;
}

/** The function of the post: says which settings it goes by, and whether this is its first invocation. */
export async function handler(event: unknown): Promise<Shown> {
  const ColdStart = isCold;
  isCold = false;
  const asked = await askAgent(environment.APPCONFIG_PROFILE, environment.AWS_APPCONFIG_EXTENSION_HTTP_PORT);
  const { loglevel, tempLimit, humidLimit, stale, reason } = currentSettings(asked);
  logger.setLogLevel(loglevel === 'verbose' ? LogLevel.DEBUG : LogLevel.INFO);
  if (stale) logger.warn('settings could not be read, going by older ones', { reason: reason ?? '' });
  logger.debug('goes by settings', { loglevel, tempLimit, humidLimit });
  metrics.addMetric('SettingsErrors', MetricUnit.Count, stale ? 1 : 0);
  metrics.publishStoredMetrics();
  return { event, ColdStart, LogLevel: loglevel, tempLimit, humidLimit, ...(stale ? { stale } : {}) };
}
