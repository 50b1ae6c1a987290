import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { OrganizationsClient } from '@aws-sdk/client-organizations';
import { NoSuchKey, S3ServiceException } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AwsFault, type AwsRequest, fakeAws } from '../testing/fake-aws.ts';
import type { BaselineDocument } from './contract.ts';
import { createFiles } from './files.aws.ts';
import { createMachine } from './machine.aws.ts';
import { createOrganization } from './organization.aws.ts';
import { allPages } from './pages.aws.ts';
import { createNotify } from './topic.aws.ts';
import { createTracking } from './tracking.aws.ts';

describe('the tracking table', () => {
  const now = Date.UTC(2026, 10, 25, 1, 16, 30);
  const row = {
    ...{ name: '1-iam', product: 'iam', version: 'v1', account: '1', regions: ['us-east-1'] },
    ...({ action: 'deployment', execution: 'mine' } as const),
  };
  const newest = (date: string, DeploymentStatus: string, Execution: string) => ({
    Items: [{ Date: { S: date }, DeploymentStatus: { S: DeploymentStatus }, Execution: { S: Execution } }],
  });
  /** As the table has it: who has a product in hand, by its key; each write is judged by what is there then. */
  const held = z.object({
    Key: z.object({ ProvisionName: z.object({ S: z.string() }), Date: z.object({ S: z.string() }) }),
    ConditionExpression: z.string(),
    ExpressionAttributeValues: z.looseObject({ ':execution': z.object({ S: z.string() }) }),
  });
  const isLock = ({ operation, input }: AwsRequest) =>
    operation === 'UpdateItem' && held.safeParse(input).data?.Key.Date.S === '000000000000';
  const table = (found: unknown, write: () => unknown = () => ({})) => {
    const requests: AwsRequest[] = [];
    const answer = (request: AwsRequest) => {
      requests.push(request);
      if (isLock(request)) return {};
      return request.operation === 'Query' ? found : write();
    };
    const documents = DynamoDBDocumentClient.from(new DynamoDBClient(fakeAws(answer)));
    const tracking = createTracking({ documents, tableName: 'T', now: () => now, heldMs: 3_600_000 });
    return { tracking, written: () => requests.filter((request) => request.operation !== 'Query' && !isLock(request)) };
  };
  const conflict = () => {
    throw new AwsFault('ConditionalCheckFailedException');
  };

  test('has a row of the minute, with what is deployed where', async () => {
    const { tracking, written } = table({ Items: [] });
    expect(await tracking.claim(row)).toBe(true);
    expect(written()).toMatchObject([
      {
        operation: 'PutItem',
        input: {
          Item: {
            ...{ ProvisionName: { S: '1-iam' }, Date: { S: '202611250116' }, Product: { S: 'iam' } },
            ...{ Version: { S: 'v1' }, Account: { S: '1' }, Regions: { L: [{ S: 'us-east-1' }] } },
            ...{ Action: { S: 'deployment' }, DeploymentStatus: { S: 'in-progress' }, Execution: { S: 'mine' } },
          },
          ConditionExpression: 'attribute_not_exists(ProvisionName) OR #execution = :execution',
        },
      },
    ]);
  });

  test('gives a product to one of two executions that come at a change of minute (reorder)', async () => {
    const owners = new Map<string, string>();
    const claims = ['first', 'second'].map((execution, minute) => {
      const answer = (request: AwsRequest) => {
        // Neither sees a row of the other yet.
        if (!isLock(request)) return request.operation === 'Query' ? { Items: [] } : {};
        const { Key, ExpressionAttributeValues } = held.parse(request.input);
        const own = ExpressionAttributeValues[':execution'].S;
        const owner = owners.get(Key.ProvisionName.S) ?? own;
        if (owner !== own) return conflict();
        owners.set(Key.ProvisionName.S, own);
        return {};
      };
      const documents = DynamoDBDocumentClient.from(new DynamoDBClient(fakeAws(answer)));
      const at = now + minute * 60_000;
      const tracking = createTracking({ documents, tableName: 'T', now: () => at, heldMs: 3_600_000 });
      return tracking.claim({ ...row, execution });
    });
    expect((await Promise.all(claims)).toSorted()).toEqual([false, true]);
  });

  test('keeps an execution from a product that another has in hand', async () => {
    const { tracking, written } = table(newest('202611250050', 'in-progress', 'another'));
    expect(await tracking.claim(row)).toBe(false);
    expect(written()).toEqual([]);
  });

  test.each([
    ['done', newest('202611250050', 'done', 'another')],
    ['older than a machine can be', newest('202611250015', 'in-progress', 'another')],
  ])('lets an execution have a product whose row is %s', async (_, found) => {
    const { tracking, written } = table(found);
    expect([await tracking.claim(row), written().length]).toEqual([true, 1]);
  });

  test('gives an execution the next minute where another has had the product in this one', async () => {
    const { tracking, written } = table(newest('202611250116', 'done', 'another'));
    await tracking.claim(row);
    expect(written()).toMatchObject([{ input: { Item: { Date: { S: '202611250117' } } } }]);
  });

  test('knows the row of the same execution again', async () => {
    const { tracking, written } = table(newest('202611250100', 'failed', 'mine'));
    expect(await tracking.claim(row)).toBe(true);
    expect(written()).toMatchObject([
      {
        operation: 'UpdateItem',
        input: { Key: { Date: { S: '202611250100' } }, ConditionExpression: '#execution = :execution' },
      },
    ]);
  });

  test('takes a product that another has taken meanwhile for one in hand', async () => {
    expect(await table({ Items: [] }, conflict).tracking.claim(row)).toBe(false);
  });

  test('says how it ended, in no row but its own', async () => {
    const own = table(newest('202611250100', 'in-progress', 'mine'));
    await own.tracking.finish('1-iam', 'mine', 'done');
    expect(own.written()).toMatchObject([{ input: { ExpressionAttributeValues: { ':status': { S: 'done' } } } }]);
    const other = table(newest('202611250100', 'in-progress', 'another'));
    await other.tracking.finish('1-iam', 'mine', 'done');
    expect(other.written()).toEqual([]);
  });
});

describe('the organisation', () => {
  const listInput = z.object({ ParentId: z.string().default(''), NextToken: z.string().optional() });
  const unitsBelow: Record<string, string[]> = { r: ['Sites', 'Infra'], Sites: ['North', 'South'], Infra: ['North'] };
  const organization = createOrganization(
    new OrganizationsClient(
      fakeAws(({ operation, input }) => {
        const { ParentId, NextToken } = listInput.parse(input);
        if (operation === 'ListRoots') return { Roots: [{ Id: 'r', Name: 'Root' }] };
        if (operation === 'ListOrganizationalUnitsForParent') {
          const names = unitsBelow[ParentId] ?? [];
          return {
            OrganizationalUnits: names.map((Name) => ({ Id: Name === 'North' ? `${ParentId}-${Name}` : Name, Name })),
          };
        }
        // A page each.
        return NextToken === undefined
          ? { Accounts: [{ Id: `${ParentId}-1`, Status: 'ACTIVE' }], NextToken: 'more' }
          : {
              Accounts: [
                { Id: `${ParentId}-2`, Status: 'SUSPENDED' },
                { Id: `${ParentId}-3`, Status: 'ACTIVE' },
              ],
            };
      }),
    ),
  );

  test('has the active accounts of a unit at any depth, page after page; of an unknown or ambiguous name none', async () => {
    expect([...(await organization.accountsOf(['South', 'North', 'Nowhere', 'Sites']))]).toEqual([
      ['South', ['South-1', 'South-3']],
      ['North', undefined],
      ['Nowhere', undefined],
      ['Sites', ['Sites-1', 'Sites-3']],
    ]);
  });
});

describe('a list', () => {
  test('without an end is not taken for whole', async () => {
    await expect(allPages('things', async () => ({ items: [1], next: 'more' }))).rejects.toThrow(
      'more things than 100 pages',
    );
  });
});

describe('a file', () => {
  const files = (answer: () => unknown) => createFiles({ send: async () => answer() }, 'bucket');
  const body = { transformToString: async () => 'text', destroy() {} };

  test('is read with its version', async () => {
    const found = { Body: body, ContentLength: 4, VersionId: 'v1', ETag: '"e"' };
    expect(await files(() => found).read('config.yml')).toEqual({ kind: 'file', text: 'text', version: 'v1' });
    expect(await files(() => ({ ...found, VersionId: undefined })).read('config.yml')).toMatchObject({ version: 'e' });
  });

  test('that is too large is not read', async () => {
    const unread = { ...body, transformToString: () => Promise.reject(new Error('it was read')) };
    const found = { Body: unread, ContentLength: 200_001, VersionId: 'v1' };
    expect(await files(() => found).read('config.yml')).toEqual({ kind: 'too-large', version: 'v1' });
  });

  test.each([
    ['there', new NoSuchKey({ message: '', $metadata: {} })],
    ['there in this version', new S3ServiceException({ name: 'NoSuchVersion', $fault: 'client', $metadata: {} })],
  ])('that is not %s is absent', async (_, error) => {
    const read = files(() => {
      throw error;
    }).read('config.yml', 'v1');
    expect(await read).toEqual({ kind: 'absent' });
  });
});

describe('the machine', () => {
  const document: BaselineDocument = {
    ...{ account: '111122223333', origin: '', status: 'init', max_iterations: 1, iteration: 0 },
    ...{ provision_products: [], update_products: [], started_products: [] },
    ...{ deployed_products: [], failed_products: [], skipped_products: [] },
  };

  test('says whether an execution of a name was started', async () => {
    const machineArn = 'arn:aws:states:eu-west-1:1:stateMachine:baselines';
    const machine = createMachine(
      new SFNClient(
        fakeAws(({ input }) => {
          const { executionArn } = z.object({ executionArn: z.string() }).parse(input);
          if (!executionArn.endsWith(':execution:baselines:a')) throw new AwsFault('ExecutionDoesNotExist');
          return { executionArn };
        }),
      ),
      machineArn,
    );
    expect([await machine.exists('a'), await machine.exists('b')]).toEqual([true, false]);
  });

  test('starts an execution of a name once', async () => {
    const names = new Set<unknown>();
    const machine = createMachine(
      new SFNClient(
        fakeAws(({ input }) => {
          const { name } = z.object({ name: z.string() }).parse(input);
          if (names.has(name)) throw new AwsFault('ExecutionAlreadyExists');
          names.add(name);
          return { executionArn: name, startDate: 0 };
        }),
      ),
      'arn',
    );
    expect([await machine.start('a', document), await machine.start('a', document)]).toEqual([true, false]);
  });
});

describe('the topic', () => {
  test('is told with a subject that SNS takes', async () => {
    const sent: unknown[] = [];
    const notify = createNotify({ send: async (command: { input: unknown }) => sent.push(command.input) }, 'topic');
    await notify({ subject: 'Baseline\nfür', message: 'm' });
    expect(sent).toEqual([{ TopicArn: 'topic', Subject: 'Baseline?f?r', Message: 'm' }]);
  });
});
