import { beforeAll, describe, expect, test } from 'vitest';
import { describeRoom, type SynthesisedRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { rights } from './rights.ts';
import { dueIndex } from './state-table.aws.ts';
import { wildcards } from './wildcards.ts';

const room = 'incident-events';
describeRoom(room, { rights, wildcards });

describe(room, () => {
  let built: SynthesisedRoom;

  beforeAll(async () => {
    built = await synthesiseRoom(room, 'prod');
  }, 120_000);

  const propertiesOf = (type: string) =>
    [...built.stacks.values()]
      .flat()
      .filter(({ Type }) => Type === type)
      .map(({ Properties }) => Properties);

  test('synth: three services are subscribed to the topic, each to all events, raw, with a queue for each way to fail', () => {
    const subscriptions = propertiesOf('AWS::SNS::Subscription');
    expect(subscriptions).toHaveLength(3);
    for (const subscription of subscriptions) {
      expect(subscription).toMatchObject({ RawMessageDelivery: true, RedrivePolicy: expect.anything() });
      expect(subscription).not.toHaveProperty('FilterPolicy');
    }
    const names = propertiesOf('AWS::SQS::Queue').flatMap(({ QueueName = [] }) => QueueName);
    expect(names.toSorted()).toEqual(
      ['Analytics', 'Inventory', 'Opener'].flatMap((service) => [
        `${service}IncidentEvents.fifo`,
        `${service}IncidentEventsDLQ.fifo`,
        `${service}IncidentEventsSubscriptionDLQ.fifo`,
      ]),
    );
  });

  test('synth: the rule keeps the bytes of the message and says who published it', () => {
    expect(propertiesOf('AWS::IoT::TopicRule')).toMatchObject([
      {
        TopicRulePayload: {
          Sql: "SELECT encode(*, 'base64') AS data, clientid() AS clientId, timestamp() AS receivedAtMs FROM 'IoTBlog/anomaly'",
          Actions: [{ Lambda: { FunctionArn: expect.anything() } }],
          ErrorAction: { Sqs: { QueueUrl: expect.anything() } },
        },
      },
    ]);
  });

  test('synth: what waits is told each minute, by the index of what is due', () => {
    expect(propertiesOf('AWS::Events::Rule')).toMatchObject([{ ScheduleExpression: 'rate(1 minute)' }]);
    const indexes = propertiesOf('AWS::DynamoDB::GlobalTable').map(
      ({ GlobalSecondaryIndexes }) => GlobalSecondaryIndexes,
    );
    expect(indexes).toContainEqual([expect.objectContaining({ IndexName: dueIndex })]);
    // A minute that failed is not tried again beside the next.
    expect(propertiesOf('AWS::Lambda::EventInvokeConfig')).toMatchObject([{ MaximumRetryAttempts: 0 }]);
  });
});
