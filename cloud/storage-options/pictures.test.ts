import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AwsFault, fakeAws } from '../testing/fake-aws.ts';
import { uploadAddress } from './addresses.aws.ts';
import {
  type Conclusion,
  cursorOf,
  type ListPlace,
  listCursor,
  type Picture,
  pictureList,
  uploadOffer,
} from './contract.ts';
import { httpEvent } from './http.ts';
import { offer, offerEndsAtS, offered } from './offer.ts';
import { createPicturesTable, type PictureRow } from './pictures-table.aws.ts';
import { type PublishPorts, publish } from './publish.ts';
import { resize } from './resize.ts';
import { type ObjectHead, type Validated, validate } from './validate.ts';

const id = '0f8fad5b-d9cb-469f-a165-70867728950e';
const nowMs = Date.parse('2026-03-04T05:06:07.000Z');
const createdAt = new Date(nowMs).toISOString();
const pending: Picture = {
  ...{ id, correlationId: 'hall-2/press-4/temperature/high', contentType: 'image/jpeg', bytes: 1_000 },
  ...{ status: 'PENDING_UPLOAD', createdAt },
};
const processed: Picture = { ...pending, status: 'PROCESSED', concludedAt: createdAt, width: 800, height: 600 };
const rules = { allowedTypes: ['image/jpeg'] as const, maxBytes: 5_000, uploadSeconds: 60 };

describe('an offer', () => {
  const ask = (body: unknown) => offer(JSON.stringify(body), rules, { id, nowMs });
  const { correlationId } = pending;
  const good = { correlationId, contentType: 'image/jpeg', bytes: 1_000 };

  test('is a row that waits for its upload, and an address with what the upload has to say', () => {
    const asked = ask(good);
    if (!asked.ok) throw new Error('refused');
    expect(asked.picture).toEqual(pending);
    const answer = offered(asked.picture, { url: 'https://s3.example/x?y', expiresAtMs: nowMs + 60_000 });
    expect(answer.status).toBe(201);
    expect(uploadOffer.parse(answer.body)).toEqual({
      ...{ id, uploadUrl: 'https://s3.example/x?y', expiresAt: '2026-03-04T05:07:07.000Z' },
      headers: { 'content-type': 'image/jpeg', 'content-length': '1000', 'if-none-match': '*' },
    });
  });

  const cases: [number, string, unknown][] = [
    [400, 'no incident', { ...good, correlationId: undefined }],
    [400, 'an incident with a blank', { ...good, correlationId: 'a b' }],
    [400, 'a field that nobody knows', { ...good, key: 'originals/other' }],
    [400, 'no bytes', { ...good, bytes: 0 }],
    [400, 'a text that is too long', { ...good, correlationId: 'x'.repeat(3_000) }],
    [413, 'too many bytes', { ...good, bytes: 5_001 }],
    [415, 'a type that is not allowed', { ...good, contentType: 'image/png' }],
    [400, 'a type that is none', { ...good, contentType: 'image/svg+xml' }],
  ];
  test.each(cases)('is refused with %d: %s', (status, _what, body) => {
    expect(ask(body)).toMatchObject({ ok: false, answer: { status } });
  });

  test('signs type, size and that nothing is there yet, and promises no checksum of a body that nobody has', async () => {
    const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
    const s3 = new S3Client({ region: 'eu-west-1', credentials, requestChecksumCalculation: 'WHEN_REQUIRED' });
    const object = { bucket: 'uploads', key: `originals/${id}`, contentType: 'image/jpeg', bytes: 1_000, seconds: 60 };
    const { pathname, searchParams } = new URL(await uploadAddress(s3, object));
    expect(pathname).toBe(`/originals/${id}`);
    expect(searchParams.get('X-Amz-SignedHeaders')).toBe('content-length;content-type;host;if-none-match');
    expect(searchParams.get('X-Amz-Expires')).toBe('60');
    expect([...searchParams.keys()].filter((name) => name.toLowerCase().includes('checksum'))).toEqual([]);
  });

  test('is read out of what the API sends, with who signed it', () => {
    const iam = { userArn: 'arn:aws:sts::1:assumed-role/Camera/press-4' };
    const sent = { body: Buffer.from('{}').toString('base64'), isBase64Encoded: true };
    expect(httpEvent.parse({ ...sent, requestContext: { authorizer: { iam } } })).toEqual({
      ...{ body: '{}', query: {}, caller: iam.userArn },
    });
    expect(httpEvent.parse({})).toEqual({ body: '', query: {}, caller: undefined });
  });

  test('is refused where the body is no JSON', () => {
    expect(offer('{', rules, { id, nowMs })).toMatchObject({ ok: false, answer: { status: 400 } });
  });
});

describe('an upload', () => {
  const event = (key: string) => ({
    id: 'event-1',
    detail: { bucket: { name: 'b' }, object: { key, size: 1, etag: 'x' } },
  });
  const uploaded: ObjectHead = { bytes: 1_000, etag: '"e1"', contentType: 'image/jpeg' };
  const see = (given: {
    row?: PictureRow | undefined;
    head?: ObjectHead | undefined;
    event?: unknown;
  }): Promise<Validated> =>
    validate(given.event ?? event(`originals/${id}`), rules, {
      find: async () => given.row,
      head: async () => given.head,
    });
  const waiting: PictureRow = { picture: pending, told: false };

  test('as it was offered is valid, by its head alone', async () => {
    expect(await see({ row: waiting, head: uploaded })).toEqual({
      ...{ outcome: 'valid', id, etag: '"e1"', contentType: 'image/jpeg' },
    });
  });

  const cases: [string, PictureRow, ObjectHead | undefined, object][] = [
    ['too large', waiting, { ...uploaded, bytes: 5_001 }, { outcome: 'refused', reason: 'FILE_TOO_LARGE' }],
    [
      'of another type',
      waiting,
      { ...uploaded, contentType: 'text/html' },
      { outcome: 'refused', reason: 'UNSUPPORTED_TYPE' },
    ],
    ['gone meanwhile', waiting, undefined, { outcome: 'settled', why: 'gone' }],
    ['concluded and told', { picture: processed, told: true }, uploaded, { outcome: 'settled', why: 'concluded' }],
    ['concluded and not told', { picture: processed, told: false }, uploaded, { outcome: 'valid' }],
  ];
  test.each(cases)('that is %s goes where the table says', async (_what, row, head, expected) => {
    expect(await see({ row, head })).toMatchObject(expected);
  });

  const strangers: [string, string, unknown][] = [
    ['a key that was never offered', 'not-offered', event(`originals/${id}`)],
    ['a key that is no id', 'not-offered', event('originals/../../etc/passwd')],
    ['a key elsewhere', 'bad-schema', event('archives/x.zip')],
    ['an event of somebody else', 'bad-schema', { id: 'e', detail: { state: 'x' } }],
    ['no event at all', 'bad-schema', 'text'],
  ];
  test.each(strangers)('%s is parked as %s (bad schema)', async (_what, reason, stranger) => {
    expect(await see({ event: stranger })).toMatchObject({ outcome: 'park', reason });
  });

  test('that changed since it was looked at is left to its own event', async () => {
    const wrote: string[] = [];
    const upload = { outcome: 'valid', id, etag: '"e1"', contentType: 'image/jpeg' } as const;
    const settled = await resize(upload, {
      read: async () => undefined,
      derive: () => Promise.reject(new Error('nothing to derive from')),
      write: async (key) => void wrote.push(key),
    });
    expect([settled, wrote]).toEqual([{ outcome: 'settled', why: 'gone' }, []]);
  });
});

/** A table and a bus of one picture; each call fails as often as it is told, before or after its effect. */
function stageOf(failures: readonly ('before' | 'after' | 'not')[]) {
  const script = [...failures];
  let row: PictureRow | undefined = { picture: pending, told: false };
  const events: string[] = [];
  async function call<T>(effect: () => T): Promise<T> {
    const failure = script.shift() ?? 'not';
    if (failure === 'before') throw new Error('refused');
    const answer = effect();
    if (failure === 'after') throw new Error('answer lost');
    return answer;
  }
  const ports: PublishPorts = {
    find: () => call(() => row),
    conclude: (picture) =>
      call(() => {
        if (row?.picture.status === 'PENDING_UPLOAD') row = { picture, told: false };
        return row;
      }),
    tell: (picture) => call(() => void events.push(`${picture.id} ${picture.status}`)),
    markTold: () =>
      call(() => {
        if (row !== undefined) row = { ...row, told: true };
      }),
  };
  return { ports, events, row: () => row };
}

describe('a picture', () => {
  const good: Conclusion = { outcome: 'resized', id, width: 800, height: 600 };
  const bad: Conclusion = { outcome: 'refused', id, reason: 'IMAGE_TOO_SMALL', reasonDetail: '9 × 9' };

  test('is PROCESSED or FAILED, and told', async () => {
    for (const [end, expected] of [
      [good, processed],
      [bad, { ...pending, status: 'FAILED', concludedAt: createdAt, reason: 'IMAGE_TOO_SMALL', reasonDetail: '9 × 9' }],
    ] as const) {
      const stage = stageOf([]);
      expect(await publish(end, nowMs, stage.ports)).toBe('told');
      expect(stage.row()).toEqual({ picture: expected, told: true });
      expect(stage.events).toEqual([`${id} ${expected.status}`]);
    }
  });

  test('of an upload that comes again tells nothing again (duplicate)', async () => {
    const stage = stageOf([]);
    await publish(good, nowMs, stage.ports);
    expect(await publish(bad, nowMs + 1, stage.ports)).toBe('known');
    expect(stage.row()).toEqual({ picture: processed, told: true });
    expect(stage.events).toHaveLength(1);
  });

  test('whose row has ended fails its execution, so that nobody takes it for processed', async () => {
    const gone = { ...stageOf([]).ports, find: async () => undefined };
    await expect(publish(good, nowMs, gone)).rejects.toThrow(id);
    const between = { ...stageOf([]).ports, conclude: async () => undefined };
    await expect(publish(good, nowMs, between)).rejects.toThrow(id);
  });

  test('waits for its conclusion longer than a failed execution may be driven on, which is 14 days', () => {
    const failedAtMs = nowMs + 7 * 3_600_000;
    expect(offerEndsAtS(nowMs) * 1_000).toBeGreaterThan(failedAtMs + 14 * 86_400_000);
  });

  test('is concluded once and told, whichever answer is lost (partial failure)', async () => {
    const failure = fc.constantFrom('before' as const, 'after' as const, 'not' as const);
    await fc.assert(
      fc.asyncProperty(fc.array(failure, { maxLength: 8 }), fc.constantFrom(good, bad), async (failures, first) => {
        const stage = stageOf(failures);
        let concluded: Picture | undefined;
        // As the workflow tries: until it goes well.
        for (let tries = 0; tries < 10; tries += 1) {
          const went = await publish(first, nowMs + tries, stage.ports).catch(() => undefined);
          const { picture } = stage.row() ?? {};
          if (concluded !== undefined) expect(picture).toEqual(concluded);
          if (picture?.status !== 'PENDING_UPLOAD') concluded = picture;
          if (went !== undefined) break;
        }
        expect(concluded?.status).toBe(first === good ? 'PROCESSED' : 'FAILED');
        expect(stage.row()?.told).toBe(true);
        // More than once only where the answer about it, or the note of it, was lost; then under one id.
        expect(new Set(stage.events)).toEqual(new Set([`${id} ${concluded?.status}`]));
        expect(stage.events.length).toBeLessThanOrEqual(1 + failures.filter((one) => one !== 'not').length);
      }),
    );
  });
});

describe('the table', () => {
  const key = z.object({ id: z.object({ S: z.string() }) });
  const item = (picture: Picture, told?: boolean) => ({
    ...Object.fromEntries(
      Object.entries(picture).map(([name, value]) => [
        name,
        typeof value === 'number' ? { N: `${value}` } : { S: `${value}` },
      ]),
    ),
    ...(told === undefined ? {} : { told: { BOOL: told } }),
  });

  test('says of a picture that was concluded before how it was', async () => {
    const asked: string[] = [];
    const table = createPicturesTable(
      new DynamoDBClient(
        fakeAws(({ operation }) => {
          asked.push(operation);
          if (operation === 'UpdateItem') throw new AwsFault('ConditionalCheckFailedException');
          return { Item: item(processed, true) };
        }),
      ),
      'records',
    );
    const late: Picture = { ...processed, concludedAt: '2026-03-04T06:00:00.000Z' };
    expect(await table.conclude(late, 1)).toEqual({ picture: processed, told: true });
    expect(asked).toEqual(['UpdateItem', 'GetItem']);
  });

  test('concludes what waits, and nothing else', async () => {
    let input: unknown;
    const table = createPicturesTable(
      new DynamoDBClient(
        fakeAws((request) => {
          ({ input } = request);
          return {};
        }),
      ),
      'records',
    );
    expect(await table.conclude(processed, 99)).toEqual({ picture: processed, told: false });
    expect(input).toMatchObject({
      ConditionExpression: '#status = :pending',
      ExpressionAttributeValues: {
        ':pending': { S: 'PENDING_UPLOAD' },
        ':status': { S: 'PROCESSED' },
        ':expires': { N: '99' },
      },
    });
  });

  test('does not bring back a row by the note that it was told', async () => {
    const gone = () => {
      throw new AwsFault('ConditionalCheckFailedException');
    };
    await expect(
      createPicturesTable(new DynamoDBClient(fakeAws(gone)), 'records').markTold(id),
    ).resolves.toBeUndefined();
  });

  test('lists what was processed also behind many offers that nobody has taken', async () => {
    const asked: unknown[] = [];
    const answer = ({ input }: { input: unknown }) => {
      asked.push(input);
      return asked.length <= 2
        ? {
            Items: Array.from({ length: 50 }, () => item(pending)),
            LastEvaluatedKey: {
              id: { S: `page ${asked.length}` },
              createdAt: { S: 'then' },
              correlationId: { S: 'x' },
            },
          }
        : { Items: [item(processed, true)] };
    };
    const { pictures } = await createPicturesTable(new DynamoDBClient(fakeAws(answer)), 'records').listOf('x');
    expect(pictures).toHaveLength(51);
    expect(pictures.at(-1)).toEqual(processed);
    expect(asked[2]).toMatchObject({ ExclusiveStartKey: { id: { S: 'page 2' } } });
  });

  test('looks at so many rows of an incident for one list, and says where the next one goes on', async () => {
    let asked = 0;
    const answer = () => {
      asked += 1;
      const LastEvaluatedKey = { id: { S: `${asked}` }, createdAt: { S: 'then' }, correlationId: { S: 'x' } };
      return { Items: [item(pending)], LastEvaluatedKey };
    };
    const { next } = await createPicturesTable(new DynamoDBClient(fakeAws(answer)), 'records').listOf('x');
    expect([asked, next]).toEqual([10, { id: '10', createdAt: 'then' }]);
  });

  test('lists each concluded picture of an incident once, in order, however many there are and whatever lies between', async () => {
    const kind = fc.constantFrom('processed' as const, 'pending' as const, 'by hand' as const);
    const runs = fc.array(fc.tuple(kind, fc.integer({ min: 1, max: 130 })), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(runs, async (given) => {
        const rows = given
          .flatMap(([what, count]) => Array.from({ length: count }, () => what))
          .map((what, place) => {
            const end = String(place).padStart(12, '0');
            const own = { id: `0f8fad5b-d9cb-469f-a165-${end}`, createdAt: new Date(nowMs - place).toISOString() };
            return { what, own };
          });
        const items = rows.map(({ what, own }) => {
          if (what === 'by hand') return { id: { S: own.id }, createdAt: { S: own.createdAt } };
          return item({ ...(what === 'pending' ? pending : processed), ...own });
        });
        const answer = ({ input }: { input: unknown }) => {
          const { ExclusiveStartKey: after, Limit } = z
            .object({ ExclusiveStartKey: key.optional(), Limit: z.int() })
            .parse(input);
          const from = after === undefined ? 0 : rows.findIndex(({ own }) => own.id === after.id.S) + 1;
          const Items = items.slice(from, from + Limit);
          const last = rows[from + Limit - 1]?.own;
          if (last === undefined || from + Limit === rows.length) return { Items };
          const LastEvaluatedKey = { id: { S: last.id }, createdAt: { S: last.createdAt }, correlationId: { S: 'x' } };
          return { Items, LastEvaluatedKey };
        };
        const table = createPicturesTable(new DynamoDBClient(fakeAws(answer)), 'records');
        const seen: Picture[] = [];
        let place: ListPlace | undefined;
        do {
          const { pictures, next } = await table.listOf('x', place);
          const waiting = pictures.filter(({ status }) => status === 'PENDING_UPLOAD').length;
          expect([waiting <= 50, pictures.length - waiting <= 50]).toEqual([true, true]);
          seen.push(...pictures);
          place = next === undefined ? undefined : listCursor.parse(cursorOf(next));
        } while (place !== undefined);
        expect(new Set(seen.map((one) => one.id)).size).toBe(seen.length);
        expect(seen.filter(({ status }) => status === 'PROCESSED').map((one) => one.id)).toEqual(
          rows.filter(({ what }) => what === 'processed').map(({ own }) => own.id),
        );
      }),
      { numRuns: 25 },
    );
  });

  test.each(['', 'x', 'e30', Buffer.from('{"id":"a"}').toString('base64url'), 'A'.repeat(6_000)])(
    'takes no place that no answer gave: %j',
    (text) => {
      expect(listCursor.safeParse(text).success).toBe(false);
    },
  );

  test('lists what is a picture, and leaves out what somebody wrote by hand', async () => {
    const answer = () => ({ Items: [item(processed, true), { id: { S: 'by hand' } }, item(pending)] });
    const { pictures } = await createPicturesTable(new DynamoDBClient(fakeAws(answer)), 'records').listOf('x');
    expect(pictures).toEqual([processed, pending]);
    pictureList.parse({ pictures: pictures.map((picture) => ({ picture })) });
  });
});
