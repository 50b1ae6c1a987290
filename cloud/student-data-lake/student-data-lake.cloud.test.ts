import { setTimeout as sleep } from 'node:timers/promises';
import { AthenaClient } from '@aws-sdk/client-athena';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { queryAthena } from '../shared/lake/query.aws.ts';
import { account, client } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { eventually } from '../testing/eventually.ts';
import { output } from '../testing/outputs.ts';
import { takeMessages } from '../testing/queue.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import { listKeys } from './keys.aws.ts';
import { rights } from './rights.ts';
import { localCanvasPort } from './stack.ts';
import { credentials, startCanvas, type TestCanvas } from './test-canvas.ts';

const stack = 'StudentDataLakeStack';
const messageSchema = z.looseObject({
  fetched_files: z.int().optional(),
  missing_files: z.array(z.string()).optional(),
});
const takeParked = takeMessages(
  output(stack, 'ParkingQueueUrl'),
  z.object({ id: z.string(), reason: z.string(), data: z.string() }),
);
const keys = async () => [...(await listKeys(client(S3Client), output(stack, 'BucketName'), 'raw_files/'))].toSorted();

/** Runs a pull to its end, and answers its status, and why it failed. */
async function pull(): Promise<string> {
  const sfn = client(SFNClient);
  const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn: output(stack, 'MachineArn') }));
  return eventually(
    async () => {
      const { status, cause } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
      expect(status).not.toBe('RUNNING');
      return cause === undefined ? `${status}` : `${status}: ${cause}`;
    },
    { limitMs: 90_000 },
  );
}

async function rowsOf(sql: string) {
  const { rows } = await queryAthena({
    athena: client(AthenaClient),
    ...{ workgroup: output(stack, 'WorkgroupName'), database: output(stack, 'DatabaseName'), sql },
    sleep: (ms) => sleep(ms),
  });
  return rows;
}

/** The Canvas of the tests is on loopback, where no function of AWS comes. */
describe.runIf(account.isLocal)('student-data-lake', () => {
  let canvas: TestCanvas;
  let told: () => Promise<readonly z.infer<typeof messageSchema>[]>;

  beforeAll(async () => {
    canvas = await startCanvas(localCanvasPort);
    canvas.schema = {
      user_dim: [
        ['id', 'bigint'],
        ['name', 'varchar(255)'],
        ['canvas_id', 'bigint'],
        ['root_account_id', 'bigint'],
        ['created_at', 'datetime'],
        ['locale', 'varchar(255)'],
        ['workflow_state', 'varchar(255)'],
        ['birthdate', 'date'],
      ],
      course_dim: [
        ['id', 'bigint'],
        ['canvas_id', 'bigint'],
        ['account_id', 'bigint'],
        ['enrollment_term_id', 'bigint'],
        ['name', 'text'],
        ['code', 'text'],
        ['created_at', 'datetime'],
        ['workflow_state', 'text'],
      ],
      enrollment_dim: [
        ['id', 'bigint'],
        ['course_id', 'bigint'],
        ['user_id', 'bigint'],
        ['type', 'enum'],
        ['workflow_state', 'enum'],
        ['created_at', 'datetime'],
        ['last_activity_at', 'datetime'],
      ],
      enrollment_term_dim: [
        ['id', 'bigint'],
        ['canvas_id', 'bigint'],
        ['name', 'text'],
        ['date_start', 'datetime'],
        ['date_end', 'datetime'],
      ],
    };
    const user = (id: number) => [
      id,
      `Secret Name ${id}`,
      id,
      1,
      '2026-01-02 03:04:05.000',
      'de',
      'registered',
      '1999-01-01',
    ];
    const lines = (...rows: unknown[][]) => rows.map((row) => `${row.join('\t')}\n`).join('');
    canvas.files = [
      { table: 'user_dim', filename: 'users-1.gz', content: lines(user(1), user(2)) },
      { table: 'user_dim', filename: 'users-2.gz', content: lines(user(3)) },
      {
        table: 'course_dim',
        filename: 'courses-1.gz',
        content: lines([10, 10, 1, 5, 'Algebra', 'ALG', '2026-01-02 03:04:05', 'available']),
      },
      {
        table: 'enrollment_dim',
        filename: 'enrolments-1.gz',
        content: lines([100, 10, 1, 'StudentEnrollment', 'active', '2026-01-02 03:04:05', '\\N']),
      },
      {
        table: 'enrollment_term_dim',
        filename: 'terms-1.gz',
        content: lines([5, 5, 'Spring', '2026-01-01', '2026-06-30']),
      },
      { table: 'requests', filename: 'requests-1.gz', content: lines([1, 'what nobody asked for']) },
    ];
    await client(SecretsManagerClient).send(
      new PutSecretValueCommand({ SecretId: output(stack, 'SecretArn'), SecretString: JSON.stringify(credentials) }),
    );
    const sqs = client(SQSClient);
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'student-data-lake-told' }));
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
    const Statement = [{ Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: Attributes?.QueueArn }];
    await sqs.send(
      new SetQueueAttributesCommand({
        QueueUrl,
        Attributes: { Policy: JSON.stringify({ Version: '2012-10-17', Statement }) },
      }),
    );
    await client(SNSClient).send(
      new SubscribeCommand({
        ...{ TopicArn: output(stack, 'TopicArn'), Protocol: 'sqs', Endpoint: Attributes?.QueueArn },
        Attributes: { RawMessageDelivery: 'true' },
      }),
    );
    told = takeMessages(QueueUrl, messageSchema);
  });

  afterAll(() => canvas.stop());

  test('deployed: the bucket of the post is there, and has no file', async () => {
    expect(output(stack, 'BucketName')).toBe(`canvas-data-warehouse-${account.id}-prod`);
    expect(await keys()).toEqual([]);
  });

  test('triggered: an execution fetches all files, through an address that ended and a connection that broke', async () => {
    canvas.troubles.set('users-1.gz', [{ status: 403 }]);
    canvas.troubles.set('courses-1.gz', [{ bytes: 20 }]);
    expect(await pull()).toBe('SUCCEEDED');
    expect(await keys()).toEqual([
      'raw_files/course_dim/courses-1.gz',
      'raw_files/enrollment_dim/enrolments-1.gz',
      'raw_files/enrollment_term_dim/terms-1.gz',
      'raw_files/user_dim/users-1.gz',
      'raw_files/user_dim/users-2.gz',
    ]);
    await eventually(async () => {
      expect((await told()).at(-1)).toMatchObject({
        ...{ total_files: 5, fetched_files: 5, skipped_files: 0, missing_files: [] },
        tables_created: ['course_dim', 'enrollment_dim', 'enrollment_term_dim', 'user_dim'],
        columns_left_at_source: { user_dim: ['name', 'birthdate'] },
      });
    });
  });

  test('effect: Athena has the rows, without what may not leave Canvas', async () => {
    const rows = await rowsOf('SELECT * FROM user_dim ORDER BY id');
    expect(rows.map(([id, , , at]) => [id, at?.slice(0, 19)])).toEqual(
      ['1', '2', '3'].map((id) => [id, '2026-01-02 03:04:05']),
    );
    expect(JSON.stringify(rows)).not.toMatch(/Secret|1999/);
    const joined =
      'SELECT course_dim.code FROM enrollment_dim JOIN course_dim ON course_dim.id = enrollment_dim.course_id';
    expect(await rowsOf(joined)).toEqual([['ALG']]);
  });

  test('effect: of a mixed dump each file is stored, parked or skipped, and nothing is deleted while one is missing', async () => {
    const users = canvas.files.filter(({ filename }) => filename === 'users-2.gz');
    const others = canvas.files.filter(({ table }) => table !== 'user_dim');
    canvas.files = [
      ...others,
      ...users,
      { table: 'user_dim', filename: 'users-3.gz', content: '1\ttoo\tfew\n' },
      { table: 'user_dim', filename: 'users-4.gz', content: Buffer.from('no gzip') },
    ];
    expect(await pull()).toBe('FAILED: The message of the pull says what is missing.');
    const parked = (await takeParked()).map(({ id, reason }) => [id, reason]);
    expect(parked.toSorted()).toEqual([
      ['raw_files/user_dim/users-3.gz', 'column-count'],
      ['raw_files/user_dim/users-4.gz', 'not-gzip'],
    ]);
    expect(await keys()).toContain('raw_files/user_dim/users-1.gz');
    await eventually(async () => {
      expect((await told()).at(-1)).toMatchObject({
        ...{ total_files: 6, fetched_files: 0, skipped_files: 4, removed_files: 0 },
        missing_files: ['raw_files/user_dim/users-3.gz', 'raw_files/user_dim/users-4.gz'],
      });
    });
    canvas.files = [...others, ...users];
    expect(await pull()).toContain('FAILED');
    // The enrolment of the user who went: the validation has found it.
    expect(await keys()).not.toContain('raw_files/user_dim/users-1.gz');
    await eventually(async () => {
      expect((await told()).at(-1)).toMatchObject({
        ...{ removed_files: 1, missing_files: [] },
        validation: expect.arrayContaining([{ query: 'enrollments-without-user', rows: 1 }]),
      });
    });
  });

  test('effect: a pull that fails is told', async () => {
    canvas.troubles.set(
      'sync',
      Array.from({ length: 4 }, () => ({ status: 404 })),
    );
    const sentence = 'Canvas answered GET /api/account/self/file/sync with 404.';
    expect(await pull()).toContain(sentence);
    await eventually(async () => {
      expect((await told()).at(-1)).toMatchObject({ error: { Cause: expect.stringContaining(sentence) } });
    });
  });

  test('rights: a function that may not store its file is denied, and says so', async () => {
    const role = output(stack, 'FetchRoleName');
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes('s3:PutObject'));
    if (statement === undefined) throw new Error(`${role} may not write at all`);
    const file = {
      ...{ url: `${canvas.endpoint}/files/users-2.gz`, table: 'user_dim', filename: 'users-2.gz' },
      ...{ key: 'raw_files/user_dim/denied.gz', sourceColumns: 8, take: [0] },
    };
    const invoke = async () => {
      const { FunctionError, Payload } = await client(LambdaClient).send(
        new InvokeCommand({ FunctionName: output(stack, 'FetchName'), Payload: JSON.stringify(file) }),
      );
      return { FunctionError, text: Buffer.from(Payload ?? []).toString() };
    };
    const denied = await withoutStatement(role, statement, invoke);
    expect(denied.text).toContain('not authorized to perform: s3:PutObject');
    expect(await keys()).not.toContain(file.key);
    expect(JSON.parse((await invoke()).text)).toEqual({ kind: 'stored' });
    expect(await keys()).toContain(file.key);
  });
});

describeRights('student-data-lake', { stack, rights });
