import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DescribeDeliveryStreamCommand,
  FirehoseClient,
  PutRecordBatchCommand,
  PutRecordCommand,
} from '@aws-sdk/client-firehose';
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { CreateIPSetCommand, GetIPSetCommand, UpdateIPSetCommand, WAFV2Client } from '@aws-sdk/client-wafv2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { account, client } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { eventually } from '../testing/eventually.ts';
import { output } from '../testing/outputs.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import { type Family, parseAddress, reverseName } from './address.ts';
import { createBlocker } from './blocker.ts';
import { createCaughtTable } from './caught-table.aws.ts';
import { createIpSet } from './ip-set.aws.ts';
import { rights } from './rights.ts';
import { type Reply, startDnsServer, type TestDnsServer } from './test-dns-server.ts';
import { bingbot, firefox, googlebot, logOf, recordOf } from './test-logs.ts';

const stack = 'FakeBotBlockerStack';
const Scope = 'REGIONAL';
const waf = client(WAFV2Client);
const lambda = client(LambdaClient);
const ttlMs = 14 * 86_400_000;
/** On AWS Firehose collects for the function for a minute, and for an object for fifteen; the local account does not. */
const [soon, later] = account.isLocal ? [20_000, 20_000] : [150_000, 1_200_000];
const patient = { timeout: 2 * later };

const crawler4 = { ip: '66.249.66.1', name: 'crawl-66-249-66-1.googlebot.com' };
const crawler6 = { ip: '2620:1ec:a92::1', name: 'msnbot-1.search.msn.com' };

/** What the loopback server says of the addresses of these tests; of all others that they have no name. */
function zone(): Map<string, Reply> {
  const pointer = (ip: string) => {
    const address = parseAddress(ip);
    if (address === undefined) throw new Error(`${ip} is no address`);
    return `PTR ${reverseName(address)}`;
  };
  const records = (...values: string[]): Reply => ({ kind: 'records', values });
  return new Map([
    [pointer(crawler4.ip), records(crawler4.name)],
    [`A ${crawler4.name}`, records(crawler4.ip)],
    // Over UDP its answer is cut, so that the function has to ask over TCP.
    [pointer(crawler6.ip), { kind: 'cut', values: [crawler6.name] }],
    [`AAAA ${crawler6.name}`, records(crawler6.ip)],
    [pointer('192.0.2.20'), records(crawler4.name)],
    [pointer('192.0.2.21'), records('crawl-1.evilgooglebot.com')],
    ['A crawl-1.evilgooglebot.com', records('192.0.2.21')],
    [pointer('192.0.2.30'), { kind: 'servfail' }],
    [pointer('192.0.2.31'), { kind: 'silent' }],
  ]);
}

const sets = {
  ipv4: { Name: output(stack, 'IpSetName'), Id: output(stack, 'IpSetId') },
  ipv6: { Name: output(stack, 'IpSetV6Name'), Id: output(stack, 'IpSetV6Id') },
};

/** The local account makes no set: moto does, and the functions are told their ids. */
async function completeSets(): Promise<void> {
  if (!account.isLocal) return;
  for (const family of ['ipv4', 'ipv6'] as const) {
    const { Summary } = await waf.send(
      new CreateIPSetCommand({
        ...{ Name: sets[family].Name, Scope, Addresses: [], IPAddressVersion: family === 'ipv4' ? 'IPV4' : 'IPV6' },
      }),
    );
    sets[family].Id = z.string().parse(Summary?.Id);
  }
  const IP_SETS = JSON.stringify({
    ipv4: { name: sets.ipv4.Name, id: sets.ipv4.Id },
    ipv6: { name: sets.ipv6.Name, id: sets.ipv6.Id },
  });
  for (const FunctionName of [output(stack, 'TransformName'), output(stack, 'RefreshName')]) {
    const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const Variables = { ...Environment?.Variables, IP_SETS };
    await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
    await waitUntilFunctionUpdatedV2({ client: lambda, maxWaitTime: 30 }, { FunctionName });
  }
}

async function blocked(family: Family): Promise<string[]> {
  const { IPSet } = await waf.send(new GetIPSetCommand({ ...sets[family], Scope }));
  return IPSet?.Addresses ?? [];
}

const put = (log: string) =>
  client(FirehoseClient).send(
    new PutRecordCommand({
      DeliveryStreamName: output(stack, 'DeliveryStreamName'),
      Record: { Data: Buffer.from(log) },
    }),
  );

/** Every line of every object that Firehose has written. */
async function written(): Promise<string[]> {
  const Bucket = output(stack, 'LogBucketName');
  const s3 = client(S3Client);
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'waf-firehose/' }));
  const texts = await Promise.all(
    Contents.map(async ({ Key }) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      return (await Body?.transformToString()) ?? '';
    }),
  );
  for (const text of texts) expect(text.endsWith('\n')).toBe(true);
  return texts.flatMap((text) => text.trimEnd().split('\n'));
}

const answer = z.object({ records: z.array(z.object({ recordId: z.string(), result: z.string(), data: z.string() })) });

/** One batch, as Firehose on AWS makes it of many records. */
async function invoke(logs: readonly string[]) {
  const { Payload, FunctionError } = await lambda.send(
    new InvokeCommand({
      FunctionName: output(stack, 'TransformName'),
      Payload: JSON.stringify({ records: logs.map((log, index) => recordOf(`id-${index}`, log)) }),
    }),
  );
  expect(FunctionError).toBeUndefined();
  return answer.parse(JSON.parse(Buffer.from(Payload ?? []).toString())).records;
}

async function refresh(): Promise<void> {
  const { FunctionError } = await lambda.send(new InvokeCommand({ FunctionName: output(stack, 'RefreshName') }));
  expect(FunctionError).toBeUndefined();
}

describe('fake-bot-blocker', () => {
  let dns: TestDnsServer | undefined;

  beforeAll(async () => {
    const known = zone();
    if (account.isLocal) {
      dns = await startDnsServer(({ name, type }) => known.get(`${type} ${name}`) ?? { kind: 'nxdomain' }, {
        port: 5300,
      });
    }
    await completeSets();
  });

  afterAll(() => dns?.close());

  test('deployed: the delivery stream hands every record to the function', async () => {
    const { DeliveryStreamDescription } = await client(FirehoseClient).send(
      new DescribeDeliveryStreamCommand({ DeliveryStreamName: output(stack, 'DeliveryStreamName') }),
    );
    expect(DeliveryStreamDescription?.DeliveryStreamName).toMatch(/^aws-waf-logs-/);
    const { ProcessingConfiguration } =
      DeliveryStreamDescription?.Destinations?.[0]?.ExtendedS3DestinationDescription ?? {};
    expect(ProcessingConfiguration).toMatchObject({ Enabled: true, Processors: [{ Type: 'Lambda' }] });
    expect(JSON.stringify(ProcessingConfiguration)).toContain(output(stack, 'TransformName'));
  });

  test(
    'triggered: a request of a fake crawler in the log blocks its address, of either family, and the log is kept [moto]',
    patient,
    async () => {
      const logs = [logOf('192.0.2.10', googlebot), logOf('2001:db8::10', bingbot)];
      for (const log of logs) await put(log);
      const blocks = async () => {
        expect(await blocked('ipv4')).toContain('192.0.2.10/32');
        expect(await blocked('ipv6')).toContain('2001:db8::10/128');
      };
      await eventually(blocks, { limitMs: soon });
      const keeps = async () => expect(await written()).toEqual(expect.arrayContaining(logs));
      await eventually(keeps, { limitMs: later });
    },
  );

  test('effect: of a mixed batch each record goes on or is marked, and only fakes are blocked [moto]', async () => {
    const local = [logOf(crawler6.ip, bingbot), logOf('192.0.2.30', googlebot), logOf('192.0.2.31', googlebot)];
    const logs = [
      logOf(crawler4.ip, googlebot),
      logOf('192.0.2.20', googlebot),
      logOf('192.0.2.20', googlebot),
      logOf('192.0.2.21', googlebot),
      'poison',
      logOf('192.0.2.22', bingbot),
      logOf('192.0.2.23', firefox),
      // What the real DNS says of these is not for a test to know.
      ...(account.isLocal ? local : []),
    ];
    const records = await invoke(logs);
    expect(records.map(({ recordId }) => recordId)).toEqual(logs.map((_, index) => `id-${index}`));
    expect(records.map(({ result, data }) => [result, Buffer.from(data, 'base64').toString()])).toEqual(
      logs.map((log) => (log === 'poison' ? ['ProcessingFailed', log] : ['Ok', `${log}\n`])),
    );
    const fakes = ['192.0.2.20/32', '192.0.2.21/32', '192.0.2.22/32'];
    const others = ['66.249.66.1/32', '192.0.2.23/32', '192.0.2.30/32', '192.0.2.31/32'];
    const held = await blocked('ipv4');
    expect(held).toEqual(expect.arrayContaining(fakes));
    expect(held.filter((range) => others.includes(range))).toEqual([]);
    expect(await blocked('ipv6')).not.toContain(`${crawler6.ip}/128`);
    if (account.isLocal) expect(dns?.asked).toContainEqual({ name: expect.any(String), type: 'PTR', over: 'tcp' });
  });

  test(
    'effect: records that come by the delivery stream are all kept, each once, as long as they are logs',
    patient,
    async () => {
      const logs = Array.from({ length: 20 }, (_, index) => logOf(`198.51.100.${index}`, firefox));
      const poison = 'no log';
      await client(FirehoseClient).send(
        new PutRecordBatchCommand({
          DeliveryStreamName: output(stack, 'DeliveryStreamName'),
          Records: [...logs.slice(0, 10), poison, ...logs.slice(10)].map((log) => ({ Data: Buffer.from(log) })),
        }),
      );
      const keeps = async () => {
        const kept = (await written()).filter((line) => line.includes('198.51.100.') || line === poison);
        expect(kept.toSorted()).toEqual(logs.toSorted());
      };
      await eventually(keeps, { limitMs: later });
    },
  );

  test('effect: batches at a time, with somebody else who writes to the set, lose nobody [moto]', async () => {
    const rival = async () => {
      const { LockToken, IPSet } = await waf.send(new GetIPSetCommand({ ...sets.ipv4, Scope }));
      const Addresses = [...new Set([...(IPSet?.Addresses ?? []), '203.0.113.1/32'])];
      await waf
        .send(new UpdateIPSetCommand({ ...sets.ipv4, Scope, LockToken, Addresses }))
        .catch((error: unknown) => expect(error).toMatchObject({ name: 'WAFOptimisticLockException' }));
    };
    const ips = Array.from({ length: 4 }, (_, index) => `192.0.2.${40 + index}`);
    await Promise.all([...ips.map((ip) => invoke([logOf(ip, googlebot)])), rival(), rival()]);
    const all = expect.arrayContaining(ips.map((ip) => `${ip}/32`));
    // Before any refresh, which would also bring back who was lost.
    expect(await blocked('ipv4')).toEqual(all);
    await refresh();
    const held = await blocked('ipv4');
    expect(held).toEqual(all);
    expect(held).not.toContain('203.0.113.1/32');
  });

  test('effect: a lock token that a rival has used up is refused, and the set is read and written anew [moto]', async () => {
    const identity = { ...sets.ipv4, Scope } as const;
    const real = createIpSet(waf, identity);
    const answers: string[] = [];
    let rivals = 1;
    const raced = {
      read: real.read,
      replace: async (ranges: readonly string[], token: string) => {
        if (rivals > 0) {
          rivals -= 1;
          const { lockToken } = await real.read();
          await real.replace(['203.0.113.2/32'], lockToken);
        }
        const end = await real.replace(ranges, token);
        answers.push(end);
        return end;
      },
    };
    const sleep = async () => {};
    const table = createCaughtTable({
      ...{ dynamo: client(DynamoDBClient), tableName: output(stack, 'TableName'), ttlMs, sleep, random: Math.random },
    });
    const blocker = createBlocker({
      ...{ table, sets: { ipv4: raced, ipv6: raced }, allows: () => false, ttlMs, now: Date.now, sleep },
      random: Math.random,
    });
    const address = parseAddress('192.0.2.50');
    if (address === undefined) throw new Error('no address');
    await blocker.block([address]);
    expect(answers).toEqual(['stale', 'replaced']);
    const held = await blocked('ipv4');
    expect(held).toContain('192.0.2.50/32');
    expect(held).not.toContain('203.0.113.2/32');
  });

  test('effect: whose time is over, and who was put in by hand, is let go by the hourly refresh [moto]', async () => {
    const put = (address: string, caughtAtMs: number) =>
      client(DynamoDBClient).send(
        new PutItemCommand({
          TableName: output(stack, 'TableName'),
          Item: { family: { S: 'ipv6' }, address: { S: address }, caughtAtMs: { N: String(caughtAtMs) } },
        }),
      );
    await put('2001:db8::60', Date.now() - ttlMs - 1_000);
    await put('2001:db8::61', Date.now() - ttlMs + 600_000);
    const { LockToken } = await waf.send(new GetIPSetCommand({ ...sets.ipv6, Scope }));
    const Addresses = ['2001:db8::60/128', '2001:db8::62/128'];
    await waf.send(new UpdateIPSetCommand({ ...sets.ipv6, Scope, LockToken, Addresses }));
    await refresh();
    const held = await blocked('ipv6');
    expect(held).toContain('2001:db8::61/128');
    expect(held.filter((range) => Addresses.includes(range))).toEqual([]);
  });

  test('rights: without the right to write its table it blocks nobody, and hands on the records all the same [moto]', async () => {
    const role = output(stack, 'TransformRoleName');
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes('dynamodb:BatchWriteItem'));
    if (statement === undefined) throw new Error(`${role} may not write at all`);
    const logs = [logOf('192.0.2.70', googlebot), logOf('192.0.2.71', firefox)];
    const results = async () => (await invoke(logs)).map(({ result }) => result);
    expect(await withoutStatement(role, statement, results)).toEqual(['Ok', 'Ok']);
    expect(await blocked('ipv4')).not.toContain('192.0.2.70/32');
    expect(await results()).toEqual(['Ok', 'Ok']);
    expect(await blocked('ipv4')).toContain('192.0.2.70/32');
  });
});

describeRights('fake-bot-blocker', { stack, rights });
