import { Duration } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric, Metric, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { metricsNamespace, type NodeFunction } from '../shared/node-function.ts';

const room = 'stream-ingestion';
const period = Duration.minutes(5);

function own(metricName: string, statistic: string): Metric {
  return new Metric({ namespace: metricsNamespace, metricName, dimensionsMap: { service: room }, statistic, period });
}

/** How old the newest reading of a batch was when it was stored, in ms. */
export function newestReadingAge(): Metric {
  return own('NewestReadingAge', 'Minimum');
}

export interface DataPathDashboardProps {
  stream: Stream;
  table: TableV2;
  ingest: NodeFunction;
  parking: Queue;
  deadLetters: Queue;
  ruleErrors: Queue;
}

/** The way of a reading, in one picture: what comes in, what is stored, what waits, what went wrong. */
export class DataPathDashboard extends Construct {
  constructor(scope: Construct, id: string, props: DataPathDashboardProps) {
    super(scope, id);
    const { stream, table, ingest, parking, deadLetters, ruleErrors } = props;
    const depth = (queue: Queue, label: string) =>
      queue.metricApproximateNumberOfMessagesVisible({ label, period, statistic: 'Maximum' });
    new Dashboard(this, 'Dashboard', {
      dashboardName: 'IoTBlog-data-path',
      widgets: [
        [
          new TextWidget({
            markdown: 'In = stored + parked. Runbook: `cloud/stream-ingestion/README.md`',
            width: 24,
            height: 1,
          }),
        ],
        [
          graph('Readings', [
            stream.metricIncomingRecords({ label: 'into the stream', period }),
            own('ReadingsStored', 'Sum'),
            own('RecordsParked', 'Sum'),
          ]),
          graph('Delay, ms', [
            stream.metricGetRecordsIteratorAgeMilliseconds({ label: 'oldest in the stream', period }),
            newestReadingAge(),
          ]),
        ],
        [
          graph('Function', [
            ingest.metricInvocations({ period }),
            ingest.metricErrors({ period }),
            ingest.metricThrottles({ period }),
            ingest.metricDuration({ period, statistic: 'p99' }),
          ]),
          graph('Waiting for a person', [
            depth(parking, 'parked'),
            depth(deadLetters, 'dead letters'),
            depth(ruleErrors, 'rule errors'),
          ]),
          graph('Throttled', [
            stream.metricWriteProvisionedThroughputExceeded({ label: 'stream', period }),
            table.metricThrottledRequestsForOperation('BatchWriteItem', { label: 'table', period }),
          ]),
        ],
      ],
    });
  }
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: title === 'Readings' || title.startsWith('Delay') ? 12 : 8, height: 6 });
}
