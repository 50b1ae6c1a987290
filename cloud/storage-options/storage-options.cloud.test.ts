import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteRuleCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { CreateQueueCommand, DeleteQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { BatchWriteCommand, DynamoDBDocumentClient, GetCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ZipFile } from 'yazl';
import { z } from 'zod';
import { account, client, type Keys } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { eventually } from '../testing/eventually.ts';
import { http } from '../testing/http-request.ts';
import { output } from '../testing/outputs.ts';
import { takeMessages } from '../testing/queue.ts';
import { assumeRole, statementsOf, withoutStatement } from '../testing/roles.ts';
import { startTestServiceNow } from '../testing/servicenow.ts';
import { signedHttp } from '../testing/signed-request.ts';
import { derivedKeys, eventDetail, eventSource, originalKey, picture, pictureList, uploadOffer } from './contract.ts';
import { rights } from './rights.ts';

const stack = 'StorageOptionsStack';
const pictures = `${output(stack, 'Endpoint')}/pictures`;
const uploads = output(stack, 'UploadsName');
const shown = output(stack, 'PicturesName');
const TableName = output(stack, 'TableName');
const documents = DynamoDBDocumentClient.from(client(DynamoDBClient));
const correlationId = 'hall-2/press-4/temperature/high';
const takeParked = takeMessages(
  output(stack, 'ParkingQueueUrl'),
  z.object({ id: z.string(), reason: z.string(), data: z.string() }),
);
const logDay = z.object({ entries: z.array(z.object({ id: z.string(), text: z.string() })) });
const eventSchema = z.object({ 'detail-type': z.string(), detail: eventDetail });

/** Each picture is another one. */
const jpeg = (width: number, height: number, red: number) =>
  sharp({ create: { width, height, channels: 3, background: { r: red, g: 90, b: 30 } } })
    .jpeg()
    .toBuffer();

async function rowOf(id: string) {
  const { Item } = await documents.send(new GetCommand({ TableName, Key: { id }, ConsistentRead: true }));
  return Item === undefined ? undefined : picture.parse(Item);
}

async function keysOf(Bucket: string): Promise<string[]> {
  const { Contents = [] } = await client(S3Client).send(new ListObjectsV2Command({ Bucket }));
  return Contents.map(({ Key = '' }) => Key).toSorted();
}

async function bytesOf(Key: string): Promise<Uint8Array> {
  const { Body } = await client(S3Client).send(new GetObjectCommand({ Bucket: shown, Key }));
  return z.instanceof(Uint8Array).parse(await Body?.transformToByteArray());
}

async function invoke(FunctionName: string, payload: unknown): Promise<{ error: string | undefined; answer: unknown }> {
  const { FunctionError, Payload } = await client(LambdaClient).send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(payload) }),
  );
  return { error: FunctionError, answer: JSON.parse(Buffer.from(Payload ?? []).toString()) };
}

describe('storage-options', () => {
  const name = 'storage-options-test';
  let camera: Keys;
  let viewer: Keys;
  let queueUrl: string;
  let takeEvents: () => Promise<readonly z.infer<typeof eventSchema>[]>;
  let first: string;

  beforeAll(async () => {
    camera = await assumeRole(output(stack, 'CameraRoleArn'));
    viewer = await assumeRole(output(stack, 'ViewerRoleArn'));
    const QueueArn = `arn:aws:sqs:${account.region}:${account.id}:${name}`;
    const allow = { Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage' };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [{ ...allow, Resource: QueueArn }] });
    const made = await client(SQSClient).send(new CreateQueueCommand({ QueueName: name, Attributes: { Policy } }));
    queueUrl = z.string().parse(made.QueueUrl);
    takeEvents = takeMessages(queueUrl, eventSchema);
    const events = client(EventBridgeClient);
    await events.send(new PutRuleCommand({ Name: name, EventPattern: JSON.stringify({ source: [eventSource] }) }));
    await events.send(new PutTargetsCommand({ Rule: name, Targets: [{ Id: 'queue', Arn: QueueArn }] }));
  });

  afterAll(async () => {
    const events = client(EventBridgeClient);
    await events.send(new RemoveTargetsCommand({ Rule: name, Ids: ['queue'] }));
    await events.send(new DeleteRuleCommand({ Name: name }));
    await client(SQSClient).send(new DeleteQueueCommand({ QueueUrl: queueUrl }));
  });

  const ask = (body: unknown, keys = camera) =>
    signedHttp(keys, pictures, { method: 'POST', body: JSON.stringify(body) });

  async function offerFor(bytes: Uint8Array, contentType = 'image/jpeg') {
    const answer = await ask({ correlationId, contentType, bytes: bytes.length });
    expect(answer.status, answer.body).toBe(201);
    return uploadOffer.parse(JSON.parse(answer.body));
  }

  const put = (url: string, headers: Record<string, string>, body: Uint8Array) =>
    http(url, { method: 'PUT', headers, body: Buffer.from(body) });

  async function upload(bytes: Uint8Array): Promise<string> {
    const { id, uploadUrl, headers } = await offerFor(bytes);
    const answer = await put(uploadUrl, headers, bytes);
    expect(answer.status, answer.body).toBe(200);
    return id;
  }

  const concluded = (id: string) =>
    eventually(async () => {
      const row = await rowOf(id);
      expect(row?.status).not.toBe('PENDING_UPLOAD');
      return row;
    });
  const eventsOf = async (id: string) => (await takeEvents()).filter(({ detail }) => detail.eventId === id);

  test('deployed: the API answers, and an incident without pictures has none', async () => {
    const answer = await signedHttp(viewer, `${pictures}?correlationId=nobody`);
    expect([answer.status, pictureList.parse(JSON.parse(answer.body))]).toEqual([200, { pictures: [] }]);
    expect((await signedHttp(viewer, pictures)).status).toBe(400);
  });

  test('triggered: an upload is resized and PROCESSED, and told', async () => {
    first = await upload(await jpeg(1_200, 900, 1));
    expect(await concluded(first)).toMatchObject({ status: 'PROCESSED', width: 1_200, height: 900, correlationId });
    await eventually(async () => {
      expect(await eventsOf(first)).toMatchObject([
        { 'detail-type': 'PictureProcessed', detail: { picture: { id: first } } },
      ]);
    });
  });

  test('effect: the incident has the tile, the picture and what its camera says, by links', async () => {
    const { tile, scaled, exif } = derivedKeys(first);
    expect(await keysOf(shown)).toEqual([exif, scaled, tile].toSorted());
    expect(await sharp(await bytesOf(tile)).metadata()).toMatchObject({ width: 400, height: 400, format: 'jpeg' });
    expect(await sharp(await bytesOf(scaled)).metadata()).toMatchObject({ width: 600, height: 450, format: 'jpeg' });
    const answer = await signedHttp(viewer, `${pictures}?correlationId=${encodeURIComponent(correlationId)}`);
    const { pictures: listed } = pictureList.parse(JSON.parse(answer.body));
    expect(listed.map((one) => one.picture.id)).toEqual([first]);
    const said = await http(listed[0]?.links?.exif ?? '');
    expect(JSON.parse(said.body)).toMatchObject({ width: 1_200, height: 900, format: 'jpeg', camera: null });
  });

  test('effect: an upload whose event comes again changes nothing (duplicate)', async () => {
    const before = await keysOf(shown);
    const row = await rowOf(first);
    const sfn = client(SFNClient);
    const { executionArn } = await sfn.send(
      new StartExecutionCommand({
        stateMachineArn: output(stack, 'MachineArn'),
        input: JSON.stringify({ id: 'again', detail: { object: { key: originalKey(first) } } }),
      }),
    );
    await eventually(async () => {
      expect((await sfn.send(new DescribeExecutionCommand({ executionArn }))).status).toBe('SUCCEEDED');
    });
    expect(await rowOf(first)).toEqual(row);
    expect(await keysOf(shown)).toEqual(before);
    expect(await eventsOf(first)).toHaveLength(1);
  });

  test('effect: of a mixed batch each upload is processed, failed or parked, and none twice (poison)', async () => {
    const files: [string, Uint8Array][] = [
      ['PROCESSED', await jpeg(600, 600, 2)],
      ['IMAGE_TOO_SMALL', await jpeg(600, 300, 3)],
      [
        'UNSUPPORTED_TYPE',
        await sharp(await jpeg(600, 600, 4))
          .png()
          .toBuffer(),
      ],
      ['CORRUPT_IMAGE', (await jpeg(900, 900, 5)).subarray(0, 1_500)],
      ['PROCESSED', await jpeg(700, 700, 6)],
    ];
    const ids = await Promise.all(files.map(([, bytes]) => upload(bytes)));
    // Nobody offered it.
    const stranger = originalKey('11111111-2222-4333-8444-555555555555');
    await client(S3Client).send(
      new PutObjectCommand({ Bucket: uploads, Key: stranger, Body: 'x', ContentType: 'image/jpeg' }),
    );
    const ends = await Promise.all(ids.map(concluded));
    expect(ends.map((row) => (row?.status === 'FAILED' ? row.reason : row?.status))).toEqual(files.map(([end]) => end));
    await eventually(async () => {
      expect(
        (await takeParked()).map(({ reason, data }) => [reason, Buffer.from(data, 'base64').includes(stranger)]),
      ).toEqual([['not-offered', true]]);
    });
    await eventually(async () => {
      const told = (await takeEvents()).map(({ detail }) => detail.eventId);
      expect(told.toSorted()).toEqual([first, ...ids].toSorted());
    });
    const { Count } = await documents.send(new ScanCommand({ TableName }));
    expect(Count).toBe(1 + ids.length);
    expect(await keysOf(shown)).toHaveLength(3 * 3);
  });

  test('effect: `npm run picture` uploads a picture for an incident, and attaches it in ServiceNow once', async () => {
    const serviceNow = await startTestServiceNow();
    try {
      const key = 'hall-2/press-5/temperature/upper';
      const login = `Basic ${Buffer.from('admin:twin-password').toString('base64')}`;
      const headers = { authorization: login, 'content-type': 'application/json', accept: 'application/json' };
      const incident = JSON.stringify({ short_description: 'Too warm', correlation_id: key });
      const table = `${serviceNow.url}/api/now/table/incident`;
      expect((await http(table, { method: 'POST', headers, body: incident })).status).toBe(201);
      const secret = join(account.folder, 'pictures-secret.json');
      writeFileSync(secret, JSON.stringify({ username: 'admin', password: 'twin-password' }), { mode: 0o600 });
      const file = join(account.folder, 'press-5.jpg');
      writeFileSync(file, await jpeg(800, 600, 8));
      const main = join(import.meta.dirname, '../../scripts/picture/main.ts');
      const config = [`serviceNow.url=${serviceNow.url}`, `secrets.file=${secret}`].flatMap((one) => ['--set', one]);
      const place = account.isLocal ? [] : ['--account', account.id, '--region', account.region];
      // Without those of the run, which are no names of the configuration.
      const env = Object.fromEntries(Object.entries(process.env).filter(([one]) => !one.startsWith('GREENGRASS_ITSM')));
      const picture = async (...args: string[]) => {
        const node = ['--import', 'tsx', main, ...place, ...config, ...args, '--incident', key];
        return (await promisify(execFile)(process.execPath, node, { timeout: 60_000, env })).stdout;
      };
      const added = await picture('add', file, '--attach');
      const [id = ''] = added.split(' ');
      const name = `picture-${id}.jpg`;
      expect(added).toMatch(new RegExp(`^${id} PROCESSED\nINC\\d+ has got ${name}\n$`));
      expect(await picture('attach', id)).toMatch(new RegExp(`^INC\\d+ has ${name}\n$`));
      expect(await picture('list')).toMatch(new RegExp(`^${id} +PROCESSED +.*${id}-scaled\\.jpg`, 'm'));
      const listed = await http(`${serviceNow.url}/api/now/attachment`, { headers });
      const rows = z.object({ result: z.array(z.object({ file_name: z.string(), download_link: z.string() })) });
      const { result } = rows.parse(JSON.parse(listed.body));
      expect(result.map((one) => one.file_name)).toEqual([name]);
      const attached = await http(result[0]?.download_link ?? '', { headers });
      expect(await sharp(attached.bytes).metadata()).toMatchObject({ width: 600, height: 450, format: 'jpeg' });
    } finally {
      await serviceNow.stop();
    }
  });

  test('effect: the list of an incident with many pictures goes on where its answer ends', async () => {
    const many = 'hall-2/press-6/temperature/upper';
    const ids = Array.from({ length: 60 }, () => randomUUID());
    const rows = ids.map((id, place) => ({
      ...{ id, correlationId: many, contentType: 'image/jpeg', bytes: 9, status: 'FAILED' },
      ...{ reason: 'IMAGE_TOO_SMALL', reasonDetail: '1 × 1', concludedAt: new Date().toISOString() },
      createdAt: new Date(Date.UTC(2026, 0, 2) - place * 1_000).toISOString(),
    }));
    for (let at = 0; at < rows.length; at += 25) {
      const RequestItems = { [TableName]: rows.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } })) };
      await documents.send(new BatchWriteCommand({ RequestItems }));
    }
    const url = `${pictures}?correlationId=${encodeURIComponent(many)}`;
    const ask = async (at: string) => pictureList.parse(JSON.parse((await signedHttp(viewer, at)).body));
    const begin = await ask(url);
    const rest = await ask(`${url}&next=${begin.next}`);
    expect([begin, rest].map((one) => one.pictures.map(({ picture: { id } }) => id))).toEqual([
      ids.slice(0, 50),
      ids.slice(50),
    ]);
    expect(rest.next).toBeUndefined();
    expect((await signedHttp(viewer, `${url}&next=x`)).status).toBe(400);
  });

  test('effect: an archive is unpacked into /tmp once while the function is warm, and one that leads out is refused', async () => {
    const zip = new ZipFile();
    zip.addBuffer(Buffer.from('one'), 'a.txt');
    zip.addBuffer(Buffer.from('two'), 'sub/b.txt');
    zip.end();
    const chunks: Uint8Array[] = [];
    for await (const chunk of zip.outputStream) chunks.push(Buffer.from(chunk));
    const good = Buffer.concat(chunks);
    // The same length, so that no offset changes.
    const bad = Buffer.from(good.toString('latin1').replaceAll('sub/b.txt', '../../b.t'), 'latin1');
    for (const [key, Body] of [
      ['archives/good.zip', good],
      ['archives/bad.zip', bad],
    ] as const) {
      await client(S3Client).send(new PutObjectCommand({ Bucket: uploads, Key: key, Body }));
    }
    const unzip = (key: string) => invoke(output(stack, 'UnzipName'), { key });
    const files = [
      { name: 'a.txt', bytes: 3 },
      { name: 'sub/b.txt', bytes: 3 },
    ];
    expect(await unzip('archives/good.zip')).toMatchObject({ answer: { ok: true, reused: false, files } });
    expect(await unzip('archives/good.zip')).toMatchObject({ answer: { ok: true, reused: true, files } });
    expect(await unzip('archives/bad.zip')).toMatchObject({ answer: { ok: false, reason: 'PATH_OUTSIDE' } });
    expect(await unzip('archives/none.zip')).toMatchObject({ answer: { ok: false, reason: 'NO_ARCHIVE' } });
  });

  test('effect: a log is appended to by the function with the file system, and read', async () => {
    const FunctionName = output(stack, 'AppendName');
    if (account.isLocal) {
      // It mounts nothing: the path in the environment is that of a folder of this run.
      const Variables = { LOG_FOLDER: join(account.folder, 'log'), KEPT_DAYS: '2' };
      await client(LambdaClient).send(
        new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }),
      );
    }
    const today = () => new Date().toISOString().slice(0, 10);
    const days = new Set([today()]);
    const entries = [randomUUID(), randomUUID()].map((id) => ({ id, text: `text of ${id}` }));
    for (const _ of ['once', 'again']) {
      const appended = await invoke(FunctionName, { do: 'append', entries });
      expect(appended).toEqual({ error: undefined, answer: { appended: 2 } });
    }
    days.add(today());
    const found = await Promise.all([...days].map((day) => invoke(FunctionName, { do: 'read', day, limit: 1_000 })));
    const read = found.flatMap(({ answer }) => logDay.parse(answer).entries);
    // At midnight they may be there under both days.
    const own = new Map(read.filter(({ id }) => entries.some((one) => one.id === id)).map((one) => [one.id, one]));
    expect([...own.values()]).toEqual(entries);
  });

  test('rights: without a signature, or with another role, nobody gets an offer or a list', async () => {
    const body = { correlationId, contentType: 'image/jpeg', bytes: 10 };
    expect((await http(pictures, { method: 'POST', body: JSON.stringify(body) })).status).toBe(403);
    expect((await ask(body, viewer)).status).toBe(403);
    expect((await signedHttp(camera, `${pictures}?correlationId=x`)).status).toBe(403);
    expect((await http(`${pictures}?correlationId=x`)).status).toBe(403);
  });

  test('rights: an address takes what was offered, once, and nothing else', async () => {
    const bytes = await jpeg(600, 600, 7);
    const { id, uploadUrl, headers } = await offerFor(bytes);
    const more = Buffer.concat([bytes, Buffer.from('x')]);
    expect((await put(uploadUrl, { ...headers, 'content-type': 'text/html' }, bytes)).status).toBe(403);
    expect((await put(uploadUrl, { ...headers, 'content-length': `${more.length}` }, more)).status).toBe(403);
    const elsewhere = uploadUrl.replace(id, '11111111-2222-4333-8444-555555555556');
    expect((await put(elsewhere, headers, bytes)).status).toBe(403);
    expect(await keysOf(uploads)).not.toContain(originalKey(id));
    expect((await put(uploadUrl, headers, bytes)).status).toBe(200);
    expect((await put(uploadUrl, headers, bytes)).status).toBe(412);
    expect(await concluded(id)).toMatchObject({ status: 'PROCESSED' });
  });

  test('rights: an address whose time is over takes no upload (expired URL)', async () => {
    const { id, headers } = await offerFor(Buffer.from('x'));
    const command = new PutObjectCommand({ Bucket: uploads, Key: originalKey(id), ContentType: 'image/jpeg' });
    const signedAt = new Date(Date.now() - 61_000);
    const url = await getSignedUrl(client(S3Client), command, { expiresIn: 60, signingDate: signedAt });
    const late = await put(url, headers, Buffer.from('x'));
    expect([late.status, late.body]).toEqual([403, expect.stringContaining('expired')]);
    expect(await keysOf(uploads)).not.toContain(originalKey(id));
  });

  test('rights: a function that may not write its files is denied, and says so', async () => {
    const role = output(stack, 'ResizeRoleName');
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes('s3:PutObject'));
    if (statement === undefined) throw new Error(`${role} may not write at all`);
    const { ETag: etag } = await client(S3Client).send(
      new GetObjectCommand({ Bucket: uploads, Key: originalKey(first) }),
    );
    const again = () =>
      invoke(output(stack, 'ResizeName'), { outcome: 'valid', id: first, etag, contentType: 'image/jpeg' });
    const denied = await withoutStatement(role, statement, again);
    expect(JSON.stringify(denied.answer)).toContain('s3:PutObject');
    expect(await again()).toMatchObject({ error: undefined, answer: { outcome: 'resized', width: 1_200 } });
  });
});

describeRights('storage-options', { stack, rights });
