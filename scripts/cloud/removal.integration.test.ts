import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { S3Client } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { removeAll } from './removal.ts';

it('the removal goes on where AWS does not answer for a stack, and says what may be left', async () => {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  // Nothing listens there.
  const nowhere = { region: 'eu-west-1', endpoint: 'http://127.0.0.1:1', maxAttempts: 1, credentials };
  let destroyed = 0;
  const left = await removeAll({
    ...{ cloudFormation: new CloudFormationClient(nowhere), s3: new S3Client(nowhere), stacks: ['One', 'Two'] },
    async destroy() {
      destroyed += 1;
      throw new Error('the CDK failed');
    },
  });
  expect(destroyed).toBe(1);
  expect(left).toEqual([
    expect.stringMatching(/^perhaps something of One/),
    expect.stringMatching(/^perhaps something of Two/),
    'what this kept from being removed: the CDK failed',
  ]);
});
