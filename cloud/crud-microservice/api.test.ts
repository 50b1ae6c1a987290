import { expect, test } from 'vitest';
import { change } from './change.ts';
import { device, deviceList, problem } from './contract.ts';
import { create } from './create.ts';
import type { HttpAnswer } from './http.ts';
import { list } from './list.ts';
import { read } from './read.ts';
import { remove } from './remove.ts';
import { fakeTable, nowMs, random, request } from './test-devices.ts';

const bodyOf = (fields: unknown) => ({ body: JSON.stringify(fields) });
const detailOf = (answer: HttpAnswer) => problem.parse(answer.body).detail;
const key = { 'idempotency-key': '7f3c9a0e-58b1-4d3e-a5b7-6a0c2f1e9d44' };

/** The five verbs over one table, a second apart. */
function registry() {
  const table = fakeTable();
  let calls = 0;
  const ports = () => {
    calls += 1;
    return { ...table, nowMs: nowMs + calls * 1_000, random: random.map((byte) => byte + calls) };
  };
  return {
    table,
    create: (fields: Parameters<typeof request>[0]) => create('/devices', request(fields), ports()),
    read: (id: string) => read(request({ id }), table),
    list: (query: Record<string, string>) => list(request({ query }), table),
    change: (id: string, fields: Parameters<typeof request>[0]) => change(request({ id, ...fields }), ports()),
    remove: (id: string) => remove(request({ id }), ports()),
  };
}

test('a device is registered, read, changed and removed', async () => {
  const api = registry();
  const made = await api.create(bodyOf({ title: ' Press 4 ', deviceId: 'press-4', site: 'hall-2' }));
  const { id } = device.parse(made.body);
  expect(made).toMatchObject({ status: 201, headers: { location: `/devices/${id}` } });
  expect(made.body).toMatchObject({ title: 'Press 4', priority: 1, version: 1 });
  expect(await api.read(id)).toEqual({ status: 200, body: made.body });
  const changed = await api.change(id, bodyOf({ title: 'Press 5', site: null, version: 1 }));
  expect(changed.status).toBe(200);
  expect(device.parse(changed.body)).toEqual({
    ...device.parse(made.body),
    ...{ title: 'Press 5', site: undefined, version: 2, updatedAt: '2026-01-02T03:04:07.678Z' },
  });
  expect(await api.remove(id)).toEqual({ status: 204 });
  expect(await api.remove(id)).toEqual({ status: 204 });
  expect(await api.read(id)).toMatchObject({ status: 404 });
  expect(await api.change(id, bodyOf({ title: 'x' }))).toMatchObject({ status: 404 });
});

test('with the routes of the post a location begins at the root', async () => {
  const made = await create('/', request(bodyOf({ title: 'x' })), { ...fakeTable(), nowMs, random });
  expect(made.headers?.['location']).toBe(`/${device.parse(made.body).id}`);
});

test('a title in the query is enough where there is no body, as in the post', async () => {
  const api = registry();
  const made = await api.create({ query: { title: 'Press 4' } });
  expect(made).toMatchObject({ status: 201, body: { title: 'Press 4', priority: 1 } });
  const { id } = device.parse(made.body);
  expect(await api.change(id, { query: { title: 'Press 5' } })).toMatchObject({ status: 200, body: { version: 2 } });
  // A body speaks for itself.
  const both = await api.create({ query: { title: 'query' }, ...bodyOf({ title: 'body' }) });
  expect(both.body).toMatchObject({ title: 'body' });
});

test('a POST that is repeated under its key makes one device (duplicate)', async () => {
  const api = registry();
  const made = await api.create({ headers: key, ...bodyOf({ title: 'Press 4' }) });
  expect(await api.create({ headers: key, ...bodyOf({ title: 'Press 4', priority: 1 }) })).toEqual(made);
  expect(api.table.rows.size).toBe(1);
  // It is answered as it is since.
  const { id } = device.parse(made.body);
  await api.change(id, bodyOf({ title: 'Press 5' }));
  const again = await api.create({ headers: key, ...bodyOf({ title: 'Press 4' }) });
  expect(again).toMatchObject({ status: 201, body: { id, title: 'Press 5', version: 2 } });
  const other = await api.create({ headers: key, ...bodyOf({ title: 'Saw 1' }) });
  expect(other).toMatchObject({ status: 409, body: { currentVersion: 2 } });
  expect(detailOf(other)).toContain('Send a new one for each device');
});

test('a POST that is repeated after its device was removed does not bring it back (duplicate)', async () => {
  const api = registry();
  const post = () => api.create({ headers: key, ...bodyOf({ title: 'Press 4' }) });
  const { id } = device.parse((await post()).body);
  await api.remove(id);
  const late = await post();
  expect(late.status).toBe(409);
  expect(detailOf(late)).toContain('has been removed. Send a new key');
  expect(await api.read(id)).toMatchObject({ status: 404 });
  expect((await api.list({})).body).toEqual({ items: [] });
  // Thirty days after the removal, in seconds.
  expect(api.table.tombstones.get(id)).toEqual({
    ...{ id, removedAt: '2026-01-02T03:04:07.678Z', expiresAt: Date.UTC(2026, 1, 1, 3, 4, 8) / 1_000 },
  });
});

test.each(['short', 'with a blank in it'.padEnd(20), 'x'.repeat(256)])(
  'an Idempotency-Key that identifies nothing is refused: %s',
  async (text) => {
    const api = registry();
    const answer = await api.create({ headers: { 'idempotency-key': text }, ...bodyOf({ title: 'x' }) });
    expect(answer.status).toBe(400);
    expect(api.table.rows.size).toBe(0);
  },
);

test.each([
  ['no body', undefined, 'no JSON'],
  ['text', 'hello', 'no JSON'],
  ['a list', '[]', 'body'],
  ['no title', '{}', 'title'],
  ['an empty title', '{"title":"  "}', 'title'],
  ['a title of 201 characters', JSON.stringify({ title: 'x'.repeat(201) }), 'title'],
  ['a field that is none', '{"title":"x","colour":"red"}', 'colour'],
  ['a key of its own', '{"title":"x","id":"01KDYDG6MY0E1R70Y3G7GE1R70"}', 'id'],
  ['a priority of 6', '{"title":"x","priority":6}', 'priority'],
  ['a control character', '{"title":"x","site":"a\\u0007"}', 'site'],
])('a body with %s is refused with the field, and nothing is written (bad schema)', async (_what, body, words) => {
  const api = registry();
  const answer = await api.create({ body });
  expect(answer).toMatchObject({ status: 400, headers: { 'content-type': 'application/problem+json' } });
  expect(detailOf(answer)).toContain(words);
  expect(api.table.rows.size).toBe(0);
});

test('a body that is larger than any device is refused unread', async () => {
  const answer = await registry().create({ body: JSON.stringify({ title: 'é'.repeat(4_100) }) });
  expect(answer.status).toBe(413);
});

test('a change for another version is a conflict that says the version there is (reorder)', async () => {
  const api = registry();
  const { id } = device.parse((await api.create(bodyOf({ title: 'Press 4' }))).body);
  await api.change(id, bodyOf({ title: 'second', version: 1 }));
  const late = await api.change(id, bodyOf({ title: 'late', version: 1 }));
  expect(late).toMatchObject({ status: 409, body: { currentVersion: 2 } });
  expect(detailOf(late)).toContain('version 2 and not 1');
  expect(await api.read(id)).toMatchObject({ body: { title: 'second', version: 2 } });
});

test('a change that the SDK sent twice, as its answer was lost, is no conflict with itself', async () => {
  const api = registry();
  const { id } = device.parse((await api.create(bodyOf({ title: 'Press 4' }))).body);
  const update = async (wanted: Parameters<typeof api.table.update>[0]) => {
    await api.table.update(wanted);
    return api.table.update(wanted);
  };
  const answer = await change(request({ id, ...bodyOf({ title: 'x', version: 1 }) }), { update, nowMs });
  expect(answer).toMatchObject({ status: 200, body: { title: 'x', version: 2 } });
});

test.each([
  ['sets another title', { title: 'Press 6', version: 1 }],
  ['takes the site away', { title: 'Press 5', site: null, version: 1 }],
])('a change that %s in the very millisecond of another one is a conflict', async (_what, fields) => {
  const api = registry();
  const { id } = device.parse((await api.create(bodyOf({ title: 'Press 4', site: 'hall-2' }))).body);
  const at = { update: api.table.update, nowMs };
  expect(await change(request({ id, ...bodyOf({ title: 'Press 5', version: 1 }) }), at)).toMatchObject({ status: 200 });
  const late = await change(request({ id, ...bodyOf(fields) }), at);
  expect(late).toMatchObject({ status: 409, body: { currentVersion: 2 } });
});

test.each([
  ['nothing', '{}'],
  ['only a version', '{"version":1}'],
  ['no title, which each device has', '{"title":null}'],
])('a change of %s is refused', async (_what, body) => {
  const api = registry();
  const { id } = device.parse((await api.create(bodyOf({ title: 'Press 4' }))).body);
  expect(await api.change(id, { body })).toMatchObject({ status: 400 });
  expect(await api.read(id)).toMatchObject({ body: { version: 1 } });
});

test.each(['', 'nobody', '../secret', '01KDYDG6MY0E1R70Y3G7GE1R7U', '81KDYDG6MY0E1R70Y3G7GE1R70'])(
  'an id that is none is no device: %j',
  async (id) => {
    const api = registry();
    expect(await api.read(id)).toMatchObject({ status: 404 });
    expect(await api.change(id, bodyOf({ title: 'x' }))).toMatchObject({ status: 404 });
    expect(await api.remove(id)).toEqual({ status: 204 });
    // The table is not asked.
    const asked = () => Promise.reject(new Error('asked'));
    expect(await read(request({ id }), { get: asked })).toMatchObject({ status: 404 });
    expect(await remove(request({ id }), { bury: asked, nowMs })).toEqual({ status: 204 });
  },
);

test('pages of the list have each device once', async () => {
  const api = registry();
  for (let place = 0; place < 7; place += 1) await api.create(bodyOf({ title: `device ${place}` }));
  const titles: string[] = [];
  const sizes: number[] = [];
  let nextToken: string | undefined;
  do {
    const answer = await api.list({ limit: '3', ...(nextToken === undefined ? {} : { nextToken }) });
    const page = deviceList.parse(answer.body);
    sizes.push(page.items.length);
    titles.push(...page.items.map(({ title }) => title));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  expect(sizes).toEqual([3, 3, 1]);
  expect(titles.toSorted()).toEqual(Array.from({ length: 7 }, (_, place) => `device ${place}`));
});

test('a page may end at a row that is no device: the next one begins after it', async () => {
  const places: (string | undefined)[] = [];
  const page = async (_limit: number, after: string | undefined) => {
    places.push(after);
    return { items: [], next: after === undefined ? 'by hand, ü' : undefined };
  };
  const first = deviceList.parse((await list(request(), { page })).body);
  const second = await list(request({ query: { nextToken: first.nextToken ?? '' } }), { page });
  expect(second).toEqual({ status: 200, body: { items: [] } });
  expect(places).toEqual([undefined, 'by hand, ü']);
});

test.each([
  [{ limit: '0' }, 'limit'],
  [{ limit: '101' }, 'limit'],
  [{ limit: '1e1' }, 'limit'],
  [{ nextToken: 'made up' }, 'nextToken'],
  [{ nextToken: '' }, 'nextToken'],
  [{ nextToken: Buffer.from('{"after":""}').toString('base64url') }, 'nextToken'],
])('a page that cannot be is refused: %j', async (query, words) => {
  const answer = await registry().list(query);
  expect(answer.status).toBe(400);
  expect(detailOf(answer)).toContain(words);
});
