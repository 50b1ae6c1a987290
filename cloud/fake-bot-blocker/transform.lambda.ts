import { setTimeout as pause } from 'node:timers/promises';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { withinRanges } from './address.ts';
import { createBlockerOf } from './blocker.aws.ts';
import { firehoseEvent, type TransformedRecord } from './contract.ts';
import { createDns } from './dns.ts';
import { transformEnvironment } from './environment.ts';
import { type Judged, judge, type Suspect } from './judge.ts';
import { failedLookUps, type Transformed, transform } from './transform.ts';

const environment = readEnvironment(transformEnvironment);
const blocker = createBlockerOf(environment);
const allows = withinRanges(environment.ALLOW_CIDRS);
const telemetry = createTelemetry();

/** Of the function's minute: for DNS, and for all that may fail. */
const dnsLimitMs = 20_000;
const limitMs = 45_000;
/** Addresses of one batch that are looked up: at a time, in all, and of one /24 or /64. */
const atMost = { atOnce: 20, most: 500, mostANetwork: 8 };

/** A batch of WAF's log on its way to S3. */
export async function handler(event: unknown): Promise<{ records: readonly TransformedRecord[] }> {
  const { records } = firehoseEvent.parse(event);
  const transformed = await transform(records, {
    crawlers: environment.CRAWLERS,
    allows,
    judge: judgeByDns,
    block: blocker.block,
    limitMs,
    sleep: async (ms, signal) => void (await pause(ms, undefined, { signal })),
  });
  tell(transformed);
  return { records: transformed.outputs };
}

async function judgeByDns(suspects: readonly Suspect[]): Promise<readonly Judged[]> {
  const dns = createDns({ servers: environment.DNS_SERVERS, timeoutMs: environment.DNS_TIMEOUT_MS });
  try {
    const untilMs = Date.now() + dnsLimitMs;
    return await judge(suspects, { dns, ...atMost, untilMs, now: Date.now, random: Math.random });
  } finally {
    dns.close();
  }
}

function tell({ judged, unreadable, leftOver, problem }: Transformed): void {
  const { logger, metrics } = telemetry;
  for (const { address, claims, verdict } of judged.filter((one) => one.verdict.kind !== 'real')) {
    logger.info('crawler judged', { address: address.text, claims: claims.map(({ name }) => name), verdict });
  }
  for (const kind of ['real', 'fake', 'undecided'] as const) {
    const count = judged.filter(({ verdict }) => verdict.kind === kind).length;
    if (count === 0) continue;
    const byVerdict = metrics.singleMetric();
    byVerdict.addDimension('verdict', kind);
    byVerdict.addMetric('AddressesJudged', MetricUnit.Count, count);
  }
  for (const failed of failedLookUps(judged)) metrics.addMetric('LookUpsFailed', MetricUnit.Count, failed);
  if (unreadable.length > 0) {
    metrics.addMetric('RecordsFailed', MetricUnit.Count, unreadable.length);
    logger.warn('records are no log of WAF', { count: unreadable.length, first: unreadable.slice(0, 20) });
  }
  if (leftOver > 0) metrics.addMetric('FakesLeftOver', MetricUnit.Count, leftOver);
  if (problem !== undefined) {
    metrics.addMetric('BlockingFailed', MetricUnit.Count, 1);
    logger.error('not blocked; the records go on', { error: problem });
  }
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
}
