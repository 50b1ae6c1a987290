import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateAccountCommand,
  CreateOrganizationalUnitCommand,
  ListRootsCommand,
  MoveAccountCommand,
  OrganizationsClient,
} from '@aws-sdk/client-organizations';
import { GetBucketPolicyCommand, ListBucketsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreatePortfolioCommand,
  SearchProductsAsAdminCommand,
  ServiceCatalogClient,
} from '@aws-sdk/client-service-catalog';
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { account, client } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { eventually } from '../testing/eventually.ts';
import { output } from '../testing/outputs.ts';
import { takeMessages } from '../testing/queue.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import { startServiceCatalog, type TestServiceCatalog } from '../testing/service-catalog.ts';
import { createCatalogue } from './catalogue.aws.ts';
import { controlTowerSource } from './contract.ts';
import { rights } from './rights.ts';
import { localServiceCatalogPort } from './stack.ts';

const stack = 'AccountFactoryStack';
const takeParked = takeMessages(
  output(stack, 'ParkingQueueUrl'),
  z.object({ reason: z.string(), detail: z.string(), data: z.string() }),
);
const noticeSchema = z.looseObject({ account: z.string().optional(), status: z.string().optional() });

const product = (provisionName: string, name: string, dependson: string, more = '') => `
      - product_name: ${name}
        portfolio_name: Baseline
        provision_name: ${provisionName}
        dependson: [${dependson}]
        regions: [us-east-1]${more}`;
const parameters = `
        parameters:
          - Key: Bucket
            Value: logs-{accountid}-{masteraccountid}`;
const configuration = `organization_units:
  default:
    products:${product('iam', 'iam-baseline', '')}${product('logs', 'log-baseline', 'iam', parameters)}
  Sites:
    products:${product('edge', 'edge-baseline', 'logs')}
`;

const upload = (Key: string, Body: string) =>
  client(S3Client).send(new PutObjectCommand({ Bucket: output(stack, 'BucketName'), Key, Body }));

/** What Control Tower tells of an account; the local account refuses its source. */
const accountEvent = (accountId: string | undefined, unit = 'Sites', state = 'SUCCEEDED') => ({
  Source: controlTowerSource.local,
  DetailType: 'AWS Service Event via CloudTrail',
  Detail: JSON.stringify({
    eventName: 'CreateManagedAccount',
    serviceEventDetails: {
      createManagedAccountStatus: {
        ...{ state, account: { accountId, accountName: 'site' } },
        organizationalUnit: { organizationalUnitName: unit, organizationalUnitId: 'ou-1' },
      },
    },
  }),
});
const tell = (...Entries: ReturnType<typeof accountEvent>[]) =>
  client(EventBridgeClient).send(new PutEventsCommand({ Entries }));

/** Names and ends of the executions of an account. */
async function executionsOf(accountId: string) {
  const { executions = [] } = await client(SFNClient).send(
    new ListExecutionsCommand({ stateMachineArn: output(stack, 'MachineArn') }),
  );
  return executions.filter(({ name }) => name?.includes(`-${accountId}-`));
}

/** How its executions ended, and what with, when all of so many have. */
const ended = (accountId: string, count = 1) =>
  eventually(
    async () => {
      const executions = await executionsOf(accountId);
      expect(executions).toHaveLength(count);
      expect(executions.map(({ status }) => status)).not.toContain('RUNNING');
      return Promise.all(
        executions.map(async ({ executionArn }) => {
          const { status, error } = await client(SFNClient).send(new DescribeExecutionCommand({ executionArn }));
          return error === undefined ? status : error;
        }),
      );
    },
    { limitMs: 40_000 },
  );

async function rowsOf(provisionedName: string) {
  const { Items = [] } = await DynamoDBDocumentClient.from(client(DynamoDBClient)).send(
    new QueryCommand({
      TableName: output(stack, 'TableName'),
      // Without the row that says who has it in hand.
      KeyConditionExpression: 'ProvisionName = :name AND #date > :lock',
      ExpressionAttributeNames: { '#date': 'Date' },
      ExpressionAttributeValues: { ':name': provisionedName, ':lock': '000000000000' },
    }),
  );
  return Items;
}

/** A queue that hears the topic. */
async function hear(): Promise<() => Promise<readonly z.infer<typeof noticeSchema>[]>> {
  const sqs = client(SQSClient);
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'account-factory-told' }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  const Statement = [{ Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: Attributes?.QueueArn }];
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  await client(SNSClient).send(
    new SubscribeCommand({
      ...{ TopicArn: output(stack, 'TopicArn'), Protocol: 'sqs', Endpoint: Attributes?.QueueArn },
      Attributes: { RawMessageDelivery: 'true' },
    }),
  );
  return takeMessages(QueueUrl, noticeSchema);
}

/** An account of the organisation, in a unit of its own. */
async function accountInUnit(Name: string): Promise<string> {
  const organizations = client(OrganizationsClient);
  const { Roots } = await organizations.send(new ListRootsCommand({}));
  const SourceParentId = Roots?.[0]?.Id ?? '';
  const { OrganizationalUnit } = await organizations.send(
    new CreateOrganizationalUnitCommand({ ParentId: SourceParentId, Name }),
  );
  const { CreateAccountStatus } = await organizations.send(
    new CreateAccountCommand({ AccountName: Name, Email: `${Name}@example.com` }),
  );
  const AccountId = z.string().parse(CreateAccountStatus?.AccountId);
  const DestinationParentId = OrganizationalUnit?.Id ?? '';
  await organizations.send(new MoveAccountCommand({ AccountId, SourceParentId, DestinationParentId }));
  return AccountId;
}

/** On AWS it would need a Control Tower, whose accounts nobody makes for a test. */
describe.runIf(account.isLocal)('account-factory', () => {
  const products = [
    { portfolio: 'Baseline', name: 'iam-baseline', versions: ['v1', 'v2'] },
    { portfolio: 'Baseline', name: 'log-baseline', versions: ['v1'] },
    { portfolio: 'Baseline', name: 'edge-baseline', versions: ['v1'] },
  ];
  let serviceCatalog: TestServiceCatalog;
  let told: () => Promise<readonly z.infer<typeof noticeSchema>[]>;
  const toldOf = (accountId: string) =>
    eventually(async () => {
      const notices = (await told()).filter((notice) => notice.account === accountId);
      expect(notices).not.toEqual([]);
      return notices;
    });
  const launchesOf = (accountId: string) => serviceCatalog.launches.filter(({ name }) => name.startsWith(accountId));

  beforeAll(async () => {
    serviceCatalog = await startServiceCatalog(products, localServiceCatalogPort);
    told = await hear();
    await upload('config.yml', configuration);
  });

  afterAll(() => serviceCatalog.stop());

  test('deployed: table, machine and function have the names of the post', () => {
    expect(output(stack, 'TableName')).toBe('control-tower-account-factory-tracking-table');
    expect(output(stack, 'MachineArn')).toMatch(/:control-tower-account-factory-state-machine$/);
    expect(output(stack, 'BaselineName')).toBe('control-tower-account-factory-lambda');
  });

  test('triggered: an account that Control Tower has made gets its products in order, is tracked and told', async () => {
    const id = '111122223333';
    serviceCatalog.scripts.set(`${id}-iam`, { polls: 3 });
    await tell(accountEvent(id));
    expect(await ended(id)).toEqual(['SUCCEEDED']);
    expect(launchesOf(id)).toMatchObject([
      { name: `${id}-iam`, operation: 'PROVISION', version: 'v2', accounts: [id], regions: ['us-east-1'] },
      { name: `${id}-logs`, parameters: [{ Key: 'Bucket', Value: `logs-${id}-${account.id}` }] },
      { name: `${id}-edge` },
    ]);
    expect(await rowsOf(`${id}-logs`)).toMatchObject([
      {
        ...{ Date: expect.stringMatching(/^\d{12}$/), Product: 'log-baseline', Version: 'v1', Account: id },
        ...{ Regions: ['us-east-1'], Action: 'deployment', DeploymentStatus: 'done' },
      },
    ]);
    // Which of the first two is ready first is theirs; the third waits for both.
    const deployed = expect.arrayContaining(['iam', 'logs', 'edge']);
    expect(await toldOf(id)).toMatchObject([
      { status: 'done', deployed_products: deployed, failed_products: [], skipped_products: [] },
    ]);
  });

  test('triggered: an uploaded update.yml updates the accounts of a unit, and its failures are tracked and told', async () => {
    const id = await accountInUnit('Plants');
    await tell(accountEvent(id, 'Plants'));
    expect(await ended(id)).toEqual(['SUCCEEDED']);
    serviceCatalog.scripts.set(`${id}-edge`, { polls: 2, error: 'the lake is not there' });
    const units = '\n        organization_units: [Plants]';
    const deployed = `${units}\n        deployifnotexist: true`;
    await upload(
      'update.yml',
      `products:${product('logs', 'log-baseline', '', units)}${product('edge', 'edge-baseline', 'logs', deployed)}${product('none', 'iam-baseline', '', units)}\n`,
    );
    expect(await ended(id, 2)).toEqual(expect.arrayContaining(['SUCCEEDED', 'PartiallyFailed']));
    expect(launchesOf(id).map(({ name, operation }) => [name, operation])).toEqual([
      [`${id}-iam`, 'PROVISION'],
      [`${id}-logs`, 'PROVISION'],
      [`${id}-logs`, 'UPDATE'],
      [`${id}-edge`, 'PROVISION'],
    ]);
    expect(await rowsOf(`${id}-edge`)).toMatchObject([{ DeploymentStatus: 'failed', Action: 'deployment' }]);
    await eventually(async () => {
      expect((await toldOf(id)).at(-1)).toMatchObject({
        ...{ status: 'partially-failed', deployed_products: ['logs'] },
        failed_products: [{ provision_name: 'edge', why: 'the lake is not there' }],
        skipped_products: [{ provision_name: 'none', meant: true }],
      });
    });
  });

  test('effect: of a mixed batch each event is started, dropped or parked with its bytes (poison)', async () => {
    const id = '222233334444';
    const before = (await takeParked()).length;
    await tell(
      accountEvent(id),
      accountEvent(undefined),
      accountEvent(id),
      accountEvent('333344445555', 'Sites', 'FAILED'),
    );
    await upload('update.yml', 'products: []\n');
    await upload('other.yml', 'nothing that anybody reads');
    await tell(accountEvent('444455556666', 'Nowhere'));
    expect(await ended('444455556666')).toEqual(['SUCCEEDED']);
    expect(await ended(id)).toEqual(['SUCCEEDED']);
    const parked = await eventually(async () => {
      const all = (await takeParked()).slice(before);
      expect(all).toHaveLength(2);
      return all;
    });
    expect(parked.map(({ reason }) => reason)).toEqual(['bad-schema', 'bad-configuration']);
    const [event] = parked;
    expect(JSON.parse(Buffer.from(event?.data ?? '', 'base64').toString())).toMatchObject({
      detail: { serviceEventDetails: { createManagedAccountStatus: { account: { accountName: 'site' } } } },
    });
    expect(parked[1]?.detail).toContain('"line":1');
    // Twice told, deployed once; what Control Tower could not make is not of this room.
    expect(launchesOf(id).map(({ name }) => name)).toEqual([`${id}-iam`, `${id}-logs`, `${id}-edge`]);
    expect(await executionsOf('333344445555')).toEqual([]);
    expect(await told()).toContainEqual(expect.objectContaining({ started: 'nothing' }));
  });

  test('effect: a baseline whose machine fails is told', async () => {
    const id = '666677778888';
    const input = {
      ...{ account: id, origin: 'by hand', status: 'init', max_iterations: 3, iteration: 0, update_products: [] },
      provision_products: [
        {
          ...{ provision_name: 'iam', product_name: 'iam-baseline', product_id: 'prod-0', version: 'v1' },
          ...{ artifact_id: 'pa-v1', portfolio_id: 'port-deleted', portfolio_name: 'Baseline' },
          ...{ dependson: [], parameters: [], regions: ['us-east-1'] },
        },
      ],
      ...{ started_products: [], deployed_products: [], failed_products: [], skipped_products: [] },
    };
    await client(SFNClient).send(
      new StartExecutionCommand({
        ...{ stateMachineArn: output(stack, 'MachineArn'), name: `by-hand-${id}-1`, input: JSON.stringify(input) },
      }),
    );
    expect(await ended(id)).toEqual(['Failed']);
    expect(await toldOf(id)).toMatchObject([
      { status: 'failed', failed_products: [{ why: expect.stringContaining('There is no portfolio port-deleted') }] },
    ]);
  });

  test('effect: the deployment bucket is open to the deploying roles of the organisation', async () => {
    const { Buckets = [] } = await client(S3Client).send(new ListBucketsCommand({}));
    const Bucket = Buckets.find(({ Name }) => Name?.includes('deploymentcodeobjects'))?.Name;
    const { Policy = '' } = await client(S3Client).send(new GetBucketPolicyCommand({ Bucket }));
    expect(Policy).toContain('aws:PrincipalOrgID');
    expect(Policy).toContain('role/AWSControlTowerExecution');
  });

  test('effect: portfolios of Service Catalog are found by their display name [moto]', async () => {
    const moto = client(ServiceCatalogClient);
    const ids: (string | undefined)[] = [];
    for (const DisplayName of ['Sites', 'Baseline', 'Baseline 2']) {
      const { PortfolioDetail } = await moto.send(new CreatePortfolioCommand({ DisplayName, ProviderName: 'test' }));
      ids.push(PortfolioDetail?.Id);
    }
    const catalogue = createCatalogue(moto);
    expect(await catalogue.portfoliosCalled('Baseline')).toEqual([ids[1]]);
    expect(await catalogue.portfoliosCalled('Nothing')).toEqual([]);
    // Where moto has learnt this, more of the adapter can be tested against it.
    await expect(moto.send(new SearchProductsAsAdminCommand({ PortfolioId: ids[1] }))).rejects.toThrow();
  });

  test('rights: a function that may not start the machine is denied, and its message comes again', async () => {
    const role = output(stack, 'StartRoleName');
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes('states:StartExecution'));
    if (statement === undefined) throw new Error(`${role} may start no machine at all`);
    const id = '555566667777';
    const { Source, DetailType, Detail } = accountEvent(id);
    const body = JSON.stringify({ source: Source, 'detail-type': DetailType, detail: JSON.parse(Detail) });
    const Records = [{ messageId: 'denied', body, attributes: { MessageGroupId: 'account-factory' } }];
    const invoke = async (): Promise<unknown> => {
      const { Payload } = await client(LambdaClient).send(
        new InvokeCommand({ FunctionName: output(stack, 'StartName'), Payload: JSON.stringify({ Records }) }),
      );
      return JSON.parse(Buffer.from(Payload ?? []).toString());
    };
    expect(await withoutStatement(role, statement, invoke)).toEqual({
      batchItemFailures: [{ itemIdentifier: 'denied' }],
    });
    expect(await executionsOf(id)).toEqual([]);
    expect(await invoke()).toEqual({ batchItemFailures: [] });
    expect(await ended(id)).toEqual(['SUCCEEDED']);
  });
});

describeRights('account-factory', { stack, rights });
