import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { expect, test, vi } from 'vitest';
import { type StageName, stageOf } from '../stages.ts';
import { RoomAlarm } from './alarm.ts';
import { headingAnchor } from './heading-anchor.ts';

// The CDK takes seconds to load and to build its first stack.
vi.setConfig({ testTimeout: 60_000 });

test.each([
  ['Dead letters', 'dead-letters'],
  ['No new readings', 'no-new-readings'],
  ['5xx: what now?', '5xx-what-now'],
  ['`DeadLetters` of Küche', 'deadletters-of-küche'],
])('the anchor of %j is %s', (heading, anchor) => {
  expect(headingAnchor(heading)).toBe(anchor);
});

function templateOf(stage: StageName): Template {
  const stack = new Stack(new App(), 'Room');
  for (const id of ['First', 'Second']) {
    new RoomAlarm(stack, id, {
      ...{ stage: stageOf(stage), room: 'a-room', watches: 'errors', threshold: 1 },
      metric: new Metric({ namespace: 'AWS/Lambda', metricName: 'Errors' }),
      says: 'It fails.',
      runbook: 'Errors',
    });
  }
  return Template.fromStack(stack);
}

test('alarms of one stack tell one topic of its own, which takes messages of alarms by TLS', () => {
  const template = templateOf('dev');
  template.resourceCountIs('AWS::SNS::Topic', 1);
  const [topic] = Object.keys(template.findResources('AWS::SNS::Topic'));
  template.allResourcesProperties('AWS::CloudWatch::Alarm', {
    AlarmActions: [{ Ref: topic }],
    AlarmDescription: 'It fails. What to do: cloud/a-room/README.md#errors',
    TreatMissingData: 'notBreaching',
  });
  template.hasResourceProperties('AWS::SNS::TopicPolicy', {
    PolicyDocument: {
      Statement: [
        { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
        { Effect: 'Allow', Action: 'sns:Publish', Principal: { Service: 'cloudwatch.amazonaws.com' } },
      ],
    },
  });
});

test('in production they tell the topic that the account has', () => {
  const template = templateOf('prod');
  template.resourceCountIs('AWS::SNS::Topic', 0);
  const alarm = Object.values(template.findResources('AWS::CloudWatch::Alarm'))[0];
  expect(JSON.stringify(alarm)).toContain(':greengrass-itsm-alarms');
});
