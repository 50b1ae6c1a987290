import { join } from 'node:path';
import { expect, test } from 'vitest';
import { calledActions, unusedRights } from './called-actions.ts';
import { resourcesOf } from './template.ts';

const entry = 'sensor-data-lake/convert.lambda.ts';

test('a module calls what it and all that it imports take from the SDK', () => {
  expect([...calledActions(join(import.meta.dirname, '..', entry))].toSorted()).toEqual([
    's3:GetObject',
    's3:GetObjectVersion',
    's3:ListBucket',
    's3:PutObject',
    'sqs:SendMessage',
    'sqs:SendMessageBatch',
  ]);
});

/** A function, its queue and a bucket, whose role may do this. */
function room(...actions: readonly string[]) {
  const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
  const Statement = actions.map((Action) => ({
    ...{ Effect: 'Allow', Action },
    Resource: Action.startsWith('sqs:') ? arn('Queue') : arn('Bucket'),
  }));
  return resourcesOf({
    Resources: {
      Role: { Type: 'AWS::IAM::Role' },
      Policy: { Type: 'AWS::IAM::Policy', Properties: { PolicyDocument: { Statement }, Roles: [{ Ref: 'Role' }] } },
      Function: { Type: 'AWS::Lambda::Function', Properties: { Role: arn('Role') }, Metadata: { entry } },
      Queue: { Type: 'AWS::SQS::Queue' },
      Bucket: { Type: 'AWS::S3::Bucket' },
      Source: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: { EventSourceArn: arn('Queue'), FunctionName: { Ref: 'Function' } },
      },
    },
  });
}

test('what the code calls, and what Lambda does with the source, is used', () => {
  expect(unusedRights(room('s3:GetObject', 's3:PutObject', 'sqs:ReceiveMessage', 'sqs:DeleteMessage'))).toEqual([]);
});

test('a right that is granted and declared, and that nothing calls, is a finding', () => {
  expect(unusedRights(room('s3:GetObject', 's3:DeleteObject'))).toEqual([
    'Role may s3:DeleteObject on Bucket, which nothing that it runs calls: take it away.',
  ]);
});
