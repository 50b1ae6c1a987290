import { createServer } from 'node:http';
import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { account, client } from './clients.ts';
import { createDevice, type Device } from './device.ts';
import { eventually } from './eventually.ts';
import { http } from './http-request.ts';
import { allowedOf, assumeRole, statementsOf, withoutStatement } from './roles.ts';
import { startTestServiceNow } from './servicenow.ts';

describe.runIf(account.isLocal)('the local account', () => {
  it('is alone: nothing but loopback is reached', async () => {
    const { Account } = await client(STSClient).send(new GetCallerIdentityCommand({}));
    expect(Account).toBe('000000000000');
    // An address for documentation (RFC 5737); nobody has it.
    await expect(http('http://192.0.2.1/')).rejects.toThrow('ENETUNREACH');
  });

  it('has hosts below localhost on loopback, whatever the resolver says', async () => {
    const server = createServer((request, response) => response.end(request.headers.host));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    expect(await http(`http://abc.execute-api.localhost:${port}/`)).toMatchObject({
      status: 200,
      body: `abc.execute-api.localhost:${port}`,
    });
    server.close();
  });

  it('has a ServiceNow beside it', async () => {
    const serviceNow = await startTestServiceNow();
    const answer = await http(`${serviceNow.url}/api/now/table/incident`);
    expect(answer.status).toBe(401);
    await serviceNow.stop();
  });
});

describe.runIf(account.isLocal)('rights of a role', () => {
  const iam = client(IAMClient);
  const RoleName = 'testing-of-rights';
  const PolicyName = 'own';
  const queues = { own: '', sibling: '' };
  const arn = (name: string) => `arn:aws:sqs:${account.region}:${account.id}:${name}`;
  const statement = (action: string, name: string) => ({ Effect: 'Allow', Action: action, Resource: arn(name) });
  let roleArn = '';

  beforeAll(async () => {
    const trust = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account.id}:root` }, Action: 'sts:AssumeRole' };
    const { Role } = await iam.send(
      new CreateRoleCommand({
        RoleName,
        AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
      }),
    );
    roleArn = Role?.Arn ?? '';
    const Statement = [statement('sqs:SendMessage', 'own'), statement('sqs:GetQueueAttributes', 'own')];
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
    for (const name of ['own', 'sibling'] as const) {
      queues[name] = (await client(SQSClient).send(new CreateQueueCommand({ QueueName: name }))).QueueUrl ?? '';
    }
  });

  afterAll(async () => {
    for (const QueueUrl of Object.values(queues)) await client(SQSClient).send(new DeleteQueueCommand({ QueueUrl }));
    await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
    await iam.send(new DeleteRoleCommand({ RoleName }));
  });

  it('are those of its policy, in calls and in the simulation', async () => {
    const sqs = client(SQSClient, await assumeRole(roleArn));
    await sqs.send(new SendMessageCommand({ QueueUrl: queues.own, MessageBody: 'x' }));
    await expect(sqs.send(new SendMessageCommand({ QueueUrl: queues.sibling, MessageBody: 'x' }))).rejects.toThrow(
      /not authorized/,
    );
    const actions = ['sqs:SendMessage', 'sqs:GetQueueAttributes', 'sqs:PurgeQueue'];
    expect(await allowedOf(roleArn, actions, [arn('own'), arn('sibling')])).toEqual([
      { action: 'sqs:GetQueueAttributes', resource: arn('own') },
      { action: 'sqs:SendMessage', resource: arn('own') },
    ]);
  });

  it('lack a statement that is taken away, as long as it is', async () => {
    const sqs = client(SQSClient, await assumeRole(roleArn));
    const ask = () => sqs.send(new GetQueueAttributesCommand({ QueueUrl: queues.own, AttributeNames: ['All'] }));
    const held = await statementsOf(RoleName);
    expect(held.map(({ actions }) => actions)).toEqual([['sqs:SendMessage'], ['sqs:GetQueueAttributes']]);
    for (const one of held) {
      const isAsked = one.actions.includes('sqs:GetQueueAttributes');
      const told = await withoutStatement(RoleName, one, () =>
        ask().then(
          () => 'allowed',
          () => 'denied',
        ),
      );
      expect(told).toBe(isAsked ? 'denied' : 'allowed');
      await ask();
    }
    expect(await statementsOf(RoleName)).toEqual(held);
  });
});

describe.runIf(account.isLocal)('a device', () => {
  const arn = (rest: string) => `arn:aws:iot:${account.region}:${account.id}:${rest}`;
  let device: Device;

  beforeAll(async () => {
    device = await createDevice('testing-device', {
      Version: '2012-10-17',
      Statement: [
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of IoT policies
        { Effect: 'Allow', Action: 'iot:Connect', Resource: arn('client/${iot:Connection.Thing.ThingName}') },
        { Effect: 'Allow', Action: ['iot:Publish', 'iot:Receive'], Resource: arn('topic/testing/own') },
        { Effect: 'Allow', Action: 'iot:Subscribe', Resource: arn('topicfilter/testing/own') },
      ],
    });
  });

  afterAll(() => device.remove());

  it('connects by mutual TLS, under the name of its thing alone', async () => {
    const connection = await device.connect();
    const received: string[] = [];
    connection.on('message', (_topic, payload) => received.push(payload.toString()));
    await connection.subscribeAsync('testing/own', { qos: 1 });
    await connection.publishAsync('testing/own', 'hello', { qos: 1 });
    await eventually(() => expect(received).toEqual(['hello']));
    await expect(device.connect({ clientId: 'somebody-else' })).rejects.toThrow(/[Nn]ot authorized/);
  });

  it('is refused what its policy does not name', async () => {
    const connection = await device.connect();
    await expect(connection.publishAsync('testing/other', 'hello', { qos: 1 })).rejects.toThrow(/[Nn]ot authorized/);
  });
});

describe('waiting for an effect', () => {
  it('is bounded, and ends with what was still wrong', async () => {
    await expect(eventually(() => expect(1).toBe(2), { limitMs: 50, everyMs: 10 })).rejects.toThrow(
      /not within 0.05 s .* to be 2/,
    );
  });
});
