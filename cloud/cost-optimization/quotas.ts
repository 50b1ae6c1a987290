import { type Figure, type Fleet, input, type Load } from './figure.ts';
import type { MeasuredRun } from './measured-run.ts';
import { limits } from './needs.ts';
import { priceBook } from './price-book.ts';

const iotPage = 'AWS General Reference, AWS IoT Core endpoints and quotas';

/** What an account has before anybody asks for more, in us-east-1. */
export const accountDefaults = {
  iotPublishesPerSecond: { value: 20_000, unit: '/s', page: iotPage },
  iotRuleEvaluationsPerSecond: { value: 20_000, unit: '/s', page: iotPage },
  iotConnections: { value: 500_000, unit: '', page: iotPage },
  tableWriteUnitsPerSecond: {
    ...{ value: 40_000, unit: '/s' },
    page: 'Amazon DynamoDB Developer Guide, Quotas in Amazon DynamoDB',
  },
  lambdaConcurrency: { value: 1_000, unit: '', page: 'AWS Lambda Developer Guide, Lambda quotas' },
  fifoQueueRequestsPerSecond: {
    ...{ value: limits.fifoRequestsPerSecond, unit: '/s' },
    page: 'Amazon SQS Developer Guide, Troubleshoot FIFO throttling issues',
  },
} as const;

/** What a fleet needs of each quota, and whether the account's default is to be raised for it. */
export function quotas(fleet: Fleet, load: Load, run: MeasuredRun): Figure[] {
  const messages = load.readingsPerSecond + load.anomaliesPerSecond;
  const writeUnits = load.readingsPerSecond * Math.ceil(run.recordBytes / priceBook.dynamoWriteUnitBytes);
  return [
    quota('IoT publishes', messages, accountDefaults.iotPublishesPerSecond, 'readings + anomaly events a second'),
    quota(
      'IoT rule evaluations',
      2 * load.readingsPerSecond + load.anomaliesPerSecond,
      accountDefaults.iotRuleEvaluationsPerSecond,
      'readings × 2 rules (table, lake) + anomaly events a second',
    ),
    quota('IoT connections', fleet.devices, accountDefaults.iotConnections, 'devices'),
    quota(
      'table write units',
      writeUnits,
      accountDefaults.tableWriteUnitsPerSecond,
      'readings × units of 1 KB a second',
    ),
    quota('Lambda concurrency', load.concurrency, accountDefaults.lambdaConcurrency, 'concurrency, of readings alone'),
    quota(
      'FIFO queue requests',
      load.anomaliesPerSecond,
      accountDefaults.fifoQueueRequestsPerSecond,
      'anomaly events a second; to raise it is to turn high throughput on',
    ),
  ];
}

function quota(
  name: string,
  needed: number,
  { value, unit, page }: { value: number; unit: string; page: string },
  formula: string,
): Figure {
  const unitAndVerdict = `${unit} – ${needed > value ? 'to raise' : 'fits'}`.trim();
  return {
    ...{ name: `quota: ${name}`, value: needed, unit: unitAndVerdict, formula },
    inputs: [input('default of an account', value, unit, `from AWS's documentation, to be checked: ${page}`)],
  };
}
