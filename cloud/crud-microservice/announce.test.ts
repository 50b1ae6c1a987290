import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { ParkedRecord } from '../shared/parked-record.ts';
import { fakeAws } from '../testing/fake-aws.ts';
import { announceBatch, announcementOf } from './announce.ts';
import type { Device } from './contract.ts';
import { attributesOf, deviceRow } from './device-row.ts';
import { createEventBus } from './event-bus.aws.ts';
import { tableStreamEvent } from './stream-event.ts';
import { aDevice, buried, nowMs, registered, row, rowChange } from './test-devices.ts';

const inputSchema = z.object({
  Entries: z.array(
    z.object({
      EventBusName: z.string(),
      Source: z.string(),
      DetailType: z.string(),
      Time: z.number(),
      Detail: z.string(),
    }),
  ),
});

/** EventBridge, which answers an error code for the entries that `code` gives one; and a parking queue. */
function stage(code: (detail: string, request: number) => string | undefined = () => undefined) {
  const requests: z.infer<typeof inputSchema>['Entries'][] = [];
  const parked: ParkedRecord[] = [];
  const bus = createEventBus(
    new EventBridgeClient(
      fakeAws(({ input }) => {
        const { Entries } = inputSchema.parse(input);
        requests.push(Entries);
        const answers = Entries.map(({ Detail }) => code(Detail, requests.length));
        return {
          FailedEntryCount: answers.filter((one) => one !== undefined).length,
          Entries: answers.map((one) =>
            one === undefined ? { EventId: 'taken' } : { ErrorCode: one, ErrorMessage: 'm' },
          ),
        };
      }),
    ),
    'default',
  );
  const ports = { bus, parking: { park: async (records: readonly ParkedRecord[]) => void parked.push(...records) } };
  return { ports, requests, parked };
}

const many = (count: number) => Array.from({ length: count }, (_, place) => registered(place, { title: `t${place}` }));
const titleOf = (detail: string) =>
  z.object({ device: z.object({ title: z.string() }) }).parse(JSON.parse(detail)).device.title;

test.each([
  ['DeviceRegistered', undefined, row(), { device: aDevice() }],
  [
    'DeviceChanged',
    row(),
    row({ title: 'Press 5', site: undefined, version: 2 }),
    { device: aDevice({ title: 'Press 5', site: undefined, version: 2 }), changed: ['title', 'site'] },
  ],
  ['DeviceChanged', row(), row({ version: 2 }), { device: aDevice({ version: 2 }), changed: [] }],
  ['DeviceRemoved', row({ version: 3 }), undefined, { device: aDevice({ version: 3 }) }],
])('%s is told of a row', (type, before, after, detail) => {
  const image = (one: typeof before) => (one === undefined ? undefined : attributesOf(one));
  const change = rowChange(1, image(before), image(after));
  expect(announcementOf(change)).toEqual({
    ok: true,
    announcement: { change, type, atMs: nowMs, detail: { eventId: 'event-1', ...detail } },
  });
});

const tombstone = buried({ id: aDevice().id, removedAt: '2026-01-02T03:04:06.000Z', expiresAt: 1_769_915_046 });

test('a device that is removed is told as removed once, and not when its tombstone goes', async () => {
  const { ports, requests, parked } = stage();
  const changes = [rowChange(1, attributesOf(row({ version: 3 })), tombstone), rowChange(2, tombstone, undefined)];
  expect(await announceBatch(changes, ports)).toEqual({ told: 1, parked: [], batchItemFailures: [] });
  expect(parked).toEqual([]);
  expect(requests.flat()).toMatchObject([{ DetailType: 'DeviceRemoved' }]);
  expect(JSON.parse(requests.flat()[0]?.Detail ?? '')).toEqual({ eventId: 'event-1', device: aDevice({ version: 3 }) });
});

test('what stands behind an event that the bus did not take is not parked yet: it comes again', async () => {
  const { ports, parked } = stage((detail) => (titleOf(detail) === 't1' ? 'InternalFailure' : undefined));
  const byHand = (place: number) => rowChange(place, undefined, { id: { S: `by-hand-${place}` } });
  const result = await announceBatch([byHand(0), registered(1, { title: 't1' }), byHand(2)], ports);
  expect(result).toMatchObject({ told: 0, batchItemFailures: [{ itemIdentifier: '1' }] });
  expect(parked.map(({ id }) => id)).toEqual(['event-0']);
});

test('the digest of a request is nobody else’s business', async () => {
  const { ports, requests } = stage();
  await announceBatch([registered(1)], ports);
  expect(JSON.stringify(requests)).not.toContain(row().requestDigest);
});

test('a record of the stream is read as Lambda sends it', () => {
  const NewImage = attributesOf(row());
  const dynamodb = { SequenceNumber: '700', ApproximateCreationDateTime: 1_767_323_045, NewImage, StreamViewType: 'x' };
  expect(
    tableStreamEvent.parse({ Records: [{ eventID: 'e', eventName: 'INSERT', eventVersion: '1.1', dynamodb }] }).Records,
  ).toEqual([
    {
      ...{ eventId: 'e', change: 'INSERT', sequenceNumber: '700', arrivedMs: 1_767_323_045_000 },
      ...{ after: NewImage, before: undefined },
    },
  ]);
});

test('events go out ten a request, in order, with the instant of the write', async () => {
  const { ports, requests } = stage();
  expect(await announceBatch(many(23), ports)).toEqual({ told: 23, parked: [], batchItemFailures: [] });
  expect(requests.map((entries) => entries.length)).toEqual([10, 10, 3]);
  expect(requests.flat().map(({ Detail }) => titleOf(Detail))).toEqual(many(23).map((_, place) => `t${place}`));
  expect(requests[0]?.[0]).toMatchObject({
    EventBusName: 'default',
    Source: 'greengrass-itsm.devices',
    DetailType: 'DeviceRegistered',
    Time: nowMs / 1_000,
  });
});

test('a change of a row that is no device is parked, and its followers are told (poison)', async () => {
  const { ports, requests, parked } = stage();
  const poison = rowChange(2, undefined, { id: { S: 'by-hand' }, note: { S: 'hello' } });
  const broken = rowChange(3, { id: { N: '1' } }, attributesOf(row()));
  const result = await announceBatch([registered(1), poison, broken, registered(4)], ports);
  expect(result).toMatchObject({ told: 2, batchItemFailures: [] });
  expect(requests.flat()).toHaveLength(2);
  expect(parked.map(({ id, reason }) => [id, reason])).toEqual([
    ['event-2', 'not-a-device'],
    ['event-3', 'not-a-device'],
  ]);
  expect(Buffer.from(parked[0]?.bytes ?? []).toString()).toBe(JSON.stringify(poison));
});

test('an event that the bus refuses is parked, and its followers are told (poison)', async () => {
  const { ports, parked } = stage((detail) => (titleOf(detail) === 't3' ? 'MalformedDetail' : undefined));
  expect(await announceBatch(many(12), ports)).toMatchObject({ told: 11, batchItemFailures: [] });
  expect(parked).toMatchObject([{ id: 'event-3', reason: 'event-refused', detail: 'MalformedDetail m' }]);
});

test('from the first event on that the bus did not take all are told again (partial failure)', async () => {
  const { ports, requests } = stage((detail, request) =>
    request === 2 && titleOf(detail) === 't12' ? 'InternalFailure' : undefined,
  );
  const batch = many(25);
  const first = await announceBatch(batch, ports);
  expect(first).toEqual({ told: 12, parked: [], batchItemFailures: [{ itemIdentifier: '12' }] });
  // The third request was not sent: it would overtake.
  expect(requests.map((entries) => entries.length)).toEqual([10, 10]);
  expect(await announceBatch(batch.slice(12), ports)).toMatchObject({ told: 13, batchItemFailures: [] });
  const told = new Set(requests.flat().map(({ Detail }) => titleOf(Detail)));
  expect(told).toEqual(new Set(batch.map((_, place) => `t${place}`)));
});

test('a change that comes again is told under the same eventId (duplicate)', async () => {
  const { ports, requests } = stage();
  await announceBatch([registered(1)], ports);
  await announceBatch([registered(1)], ports);
  expect(requests[0]).toEqual(requests[1]);
});

test('a bus or a parking queue that is away fails the batch', async () => {
  const { ports } = stage();
  const away = async () => Promise.reject(new Error('away'));
  await expect(announceBatch([registered(1)], { ...ports, bus: { tell: away } })).rejects.toThrow('away');
  await expect(announceBatch([rowChange(1, undefined, {})], { ...ports, parking: { park: away } })).rejects.toThrow(
    'away',
  );
});

const name = fc.stringMatching(/^[a-z]{1,5}$/);
const someFields = fc.record({
  title: name,
  deviceId: fc.option(name, { nil: undefined }),
  site: fc.option(name, { nil: undefined }),
  priority: fc.integer({ min: 1, max: 5 }),
});

test('a row is read as it was written', () => {
  fc.assert(
    fc.property(someFields, fc.integer({ min: 1 }), (fields, version) => {
      const written = row({ ...fields, version });
      expect(deviceRow.parse(attributesOf(written))).toEqual(written);
    }),
  );
});

test('events in any order and twice, the higher version and then the removal winning, give the table', () => {
  const history = fc.record({ writes: fc.array(someFields, { minLength: 1, maxLength: 6 }), removed: fc.boolean() });
  fc.assert(
    fc.property(history, fc.infiniteStream(fc.nat()), ({ writes, removed }, draws) => {
      const images = writes.map((fields, place) => attributesOf(row({ ...fields, version: place + 1 })));
      // A removal leaves a tombstone, which goes in the end.
      const states = [undefined, ...images, ...(removed ? [tombstone, undefined] : [])];
      const events = states
        .slice(1)
        .flatMap((after, place) => announcementOf(rowChange(place, states[place], after)) ?? []);
      const drawn = [...events, ...events]
        .map((event) => ({ event, at: draws.next().value ?? 0 }))
        .toSorted((a, b) => a.at - b.at);
      let known: { version: number; device: Device | undefined } = { version: 0, device: undefined };
      for (const { event } of drawn) {
        if (!event.ok) throw new Error(event.parked.detail);
        const { type, detail } = event.announcement;
        const { version } = detail.device;
        if (type === 'DeviceRemoved' && version >= known.version) known = { version, device: undefined };
        else if (version > known.version) known = { version, device: detail.device };
      }
      const last = states.at(-1);
      expect(known.device).toEqual(last === undefined ? undefined : deviceRow.parse(last).device);
    }),
  );
});
