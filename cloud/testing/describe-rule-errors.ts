import {
  CreateTopicRuleCommand,
  DeleteTopicRuleCommand,
  GetTopicRuleCommand,
  IoTClient,
  type TopicRule,
} from '@aws-sdk/client-iot';
import { GetQueueAttributesCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { account, client } from './clients.ts';
import { createDevice } from './device.ts';
import { eventually } from './eventually.ts';
import { takeMessages } from './queue.ts';
import { physicalId } from './stack-resources.ts';

/** What AWS IoT writes for a message that an action of its rule failed on. */
const ruleError = z.looseObject({
  ruleName: z.string(),
  topic: z.string(),
  clientId: z.string(),
  base64OriginalPayload: z.base64(),
  failures: z.array(z.looseObject({ failedAction: z.string(), failedResource: z.string() })),
});

/**
 * That the `errorAction` of the room's IoT rule leads to its queue. The local account's Lambda action never fails, and no
 * action of a deployed rule may be taken away from other tests: it is a copy of the rule that fails, on a topic of its own, with
 * the SQL and the `errorAction` as they were deployed, and a topic of SNS that is not there.
 */
export function describeRuleErrors(room: string, { stack }: { stack: string }): void {
  describe(room, () => {
    test('effect: what its rule cannot hand over lies in its queue, byte for byte', async () => {
      const topic = `testing/rule-errors/${room}`;
      const { rule, queueUrl } = await deployedRule(stack);
      expect(rule.errorAction?.sqs?.queueUrl).toBe(queueUrl);
      const device = await createDevice(`${room}-rule-errors`, {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Action: 'iot:Connect', Resource: arn('iot', `client/${room}-rule-errors`) },
          { Effect: 'Allow', Action: 'iot:Publish', Resource: arn('iot', `topic/${topic}`) },
        ],
      });
      const removeCopy = await createFailingCopy(rule, topic);
      const putPolicyBack = await withoutPolicy(queueUrl);
      try {
        const connection = await device.connect();
        const taken = takeMessages(queueUrl, ruleError);
        await connection.publishAsync(topic, '{"cut off', { qos: 1 });
        await eventually(async () => {
          const errors = (await taken()).filter((error) => error.topic === topic);
          expect(
            errors.map(({ base64OriginalPayload }) => Buffer.from(base64OriginalPayload, 'base64').toString()),
          ).toEqual(['{"cut off']);
          expect(errors).toMatchObject([
            { clientId: device.thingName, failures: [{ failedAction: 'SnsAction', failedResource: missingTopic() }] },
          ]);
        });
      } finally {
        await putPolicyBack();
        await removeCopy();
        await device.remove();
      }
    });
  });
}

const arn = (service: string, resource: string) => `arn:aws:${service}:${account.region}:${account.id}:${resource}`;
const missingTopic = () => arn('sns', 'testing-nobody-has-made-it');

async function deployedRule(stack: string): Promise<{ rule: TopicRule; queueUrl: string }> {
  const ruleName = await physicalId(stack, 'AWS::IoT::TopicRule');
  const { rule } = await client(IoTClient).send(new GetTopicRuleCommand({ ruleName }));
  if (rule === undefined) throw new Error(`The rule of ${stack} cannot be read`);
  return { rule, queueUrl: await physicalId(stack, 'AWS::SQS::Queue', 'RuleErrors') };
}

/** The local account's rules speak to queues without TLS, which the policy of the queue refuses. Answers what puts it back. */
async function withoutPolicy(QueueUrl: string): Promise<() => Promise<unknown>> {
  if (!account.isLocal) return () => Promise.resolve();
  const sqs = client(SQSClient);
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Policy'] }));
  const setPolicy = (Policy = '') => sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  await setPolicy();
  return () => setPolicy(Attributes?.Policy);
}

/** Answers what removes it. */
async function createFailingCopy(rule: TopicRule, topic: string): Promise<() => Promise<void>> {
  const iot = client(IoTClient);
  const ruleName = `${rule.ruleName}_failing`;
  const sql = rule.sql?.replace(/FROM '[^']+'/, `FROM '${topic}'`);
  expect(sql).toContain(topic);
  await iot.send(
    new CreateTopicRuleCommand({
      ruleName,
      topicRulePayload: {
        sql,
        awsIotSqlVersion: rule.awsIotSqlVersion,
        actions: [{ sns: { targetArn: missingTopic(), roleArn: rule.errorAction?.sqs?.roleArn } }],
        errorAction: rule.errorAction,
      },
    }),
  );
  return async () => {
    await iot.send(new DeleteTopicRuleCommand({ ruleName }));
  };
}
