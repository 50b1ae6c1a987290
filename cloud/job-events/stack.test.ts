import { beforeAll, describe, expect, test } from 'vitest';
import { consumeInOrder } from '../shared/consume-in-order.ts';
import { describeRoom, type SynthesisedRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { rights } from './rights.ts';
import { wildcards } from './wildcards.ts';

const room = 'job-events';
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

  test('synth: topic and queues have the names of the post', () => {
    expect([...built.stacks.keys()]).toEqual(['JobEventsStack']);
    expect(propertiesOf('AWS::SNS::Topic')).toContainEqual(
      expect.objectContaining({ TopicName: 'JobEvents.fifo', FifoTopic: true, ContentBasedDeduplication: false }),
    );
    const names = propertiesOf('AWS::SQS::Queue').flatMap(({ QueueName = [] }) => QueueName);
    expect(names.toSorted()).toEqual([
      'AnalyticsJobEvents.fifo',
      'AnalyticsJobEventsDLQ.fifo',
      'AnalyticsSubscriptionDLQ.fifo',
      'InventoryJobEvents.fifo',
      'InventoryJobEventsDLQ.fifo',
      'InventorySubscriptionDLQ.fifo',
    ]);
  });

  test('synth: consumers get events raw, the inventory only its types, three times before the dead letters', () => {
    const subscriptions = propertiesOf('AWS::SNS::Subscription');
    expect(subscriptions).toHaveLength(2);
    for (const subscription of subscriptions) {
      expect(subscription).toMatchObject({ RawMessageDelivery: true, RedrivePolicy: expect.anything() });
    }
    expect(subscriptions.flatMap(({ FilterPolicy = [] }) => FilterPolicy)).toEqual([
      { eventType: ['JobCreated', 'JobDeleted'] },
    ]);
    const redriven = propertiesOf('AWS::SQS::Queue').flatMap(({ RedrivePolicy = [] }) => RedrivePolicy);
    expect(redriven).toHaveLength(3);
    for (const policy of redriven) expect(policy).toMatchObject({ maxReceiveCount: 3 });
    for (const source of propertiesOf('AWS::Lambda::EventSourceMapping')) {
      expect(source).toMatchObject({ BatchSize: 10, FunctionResponseTypes: ['ReportBatchItemFailures'] });
    }
  });

  test('synth: where one event of a job fails its followers wait, and other jobs go on (partial failure)', async () => {
    const messages = ['a1', 'b1', 'a2', 'b2', 'a3'].map((messageId) => ({ messageId, groupId: messageId.slice(0, 1) }));
    const taken: string[] = [];
    const { batchItemFailures } = await consumeInOrder(messages, async ({ messageId }) => {
      if (messageId === 'a2') throw new Error('the table is away');
      taken.push(messageId);
    });
    expect(taken).toEqual(['a1', 'b1', 'b2']);
    expect(batchItemFailures).toEqual([{ itemIdentifier: 'a2' }, { itemIdentifier: 'a3' }]);
  });
});
