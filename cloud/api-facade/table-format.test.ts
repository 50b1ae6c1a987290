import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMediation } from './mediate.ts';
import { createIncidentTable } from './service-now.ts';
import { jsonFormat, xmlFormat } from './table-format.ts';

const record = {
  sys_id: 'a'.repeat(32),
  number: 'INC0010001',
  state: '1',
  short_description: 'hot',
  description: '',
  correlation_id: 'hall-2/press-4/temperature/upper',
  impact: '1',
  urgency: '2',
  priority: '2',
  opened_at: '2026-01-02 03:04:05',
  sys_created_on: '2026-01-02 03:04:05',
  sys_updated_on: '2026-01-02 03:04:06',
};
const xmlOf = (fields: object) =>
  Object.entries(fields)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join('');
const list = (...records: object[]) =>
  `<response>${records.map((one) => `<result>${xmlOf(one)}</result>`).join('')}</response>`;

describe('XML of the Table API', () => {
  test.each([
    ['one row', list(record), [record]],
    ['many rows', list(record, record), [record, record]],
    ['no row', '<response/>', []],
    [
      'attributes, which are dropped',
      '<response><result a="1"><number b="2">INC1</number></result></response>',
      [{ number: 'INC1' }],
    ],
    [
      'entities',
      '<response><result><x>&lt;a&gt; &amp; &#176;&#10;&quot;</x></result></response>',
      [{ x: '<a> & °\n"' }],
    ],
    [
      'text with blanks around it, and numbers that stay text',
      '<response><result><x> 007 </x></result></response>',
      [{ x: ' 007 ' }],
    ],
  ])('is read: %s', (_what, text, result) => {
    expect(xmlFormat.read(text)).toEqual({ result });
  });

  test.each([
    ['a DTD', '<!DOCTYPE response [<!ENTITY a "b">]><response><result><x>&a;</x></result></response>'],
    ['a DTD in other letters', '<!doctype response><response/>'],
    ['an element that is not closed', '<response><result><x>1</result></response>'],
    ['a page', '<html><body>asleep</body></html>'],
    ['elements deeper than an answer has', `<response>${'<a>'.repeat(50)}${'</a>'.repeat(50)}</response>`],
    ['nothing', ''],
    ['text', 'hello'],
  ])('is not read: %s', (_what, text) => {
    expect(xmlFormat.read(text)).toBeUndefined();
  });

  test('what is written is read as it was, but for what XML has no way to write', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(text, (value) => {
        const written = xmlFormat.write({ description: value });
        const inner = written.replace(/^.*<entry>/s, '').replace(/<\/entry>.*$/s, '');
        const read = xmlFormat.read(`<response><result>${inner}</result></response>`);
        const clean = value.replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '');
        // A parser makes one line end of each, as XML says.
        expect(read).toEqual({
          result: [clean === '' ? { description: '' } : { description: clean.replaceAll(/\r\n?/g, '\n') }],
        });
      }),
    );
  });

  test('hostile text is read or not read, and never throws', () => {
    fc.assert(
      fc.property(fc.string(), fc.boolean(), (text, isXml) => {
        (isXml ? xmlFormat : jsonFormat).read(`<response><result>${text}</result></response>`);
        (isXml ? xmlFormat : jsonFormat).read(text);
      }),
    );
  });
});

describe('the mediation', () => {
  const caller = { requestId: 'request-1', keyId: 'account.1', account: undefined, groups: [] };

  /** Asks for a list of an instance that answers this. */
  async function listed(body: string, { type = 'application/xml', status = 200, largestAnswer = 10_000 } = {}) {
    const app = createMediation({
      table: createIncidentTable({
        fetch: async () => new Response(body, { status, headers: { 'content-type': type } }),
        format: xmlFormat,
        readSecret: async () => ({ url: 'https://instance.invalid', username: 'u', password: 'p' }),
        timeoutMs: 1_000,
        largestAnswer,
      }),
      newId: () => '',
      onUpstreamFailure: () => undefined,
      onFailure: ({ error }) => {
        throw error;
      },
    });
    const answer = await app.fetch(new Request('http://facade.invalid/v1/incidents'), caller);
    const answered: unknown = await answer.json();
    return { status: answer.status, body: answered };
  }

  test('passes on what is an incident', async () => {
    expect(await listed(list(record))).toEqual({
      status: 200,
      body: {
        incidents: [
          {
            ...{ number: 'INC0010001', state: 'new', shortDescription: 'hot', description: null },
            ...{ site: 'hall-2', device: 'press-4', impact: 1, urgency: 2, priority: 2 },
            ...{ openedAt: '2026-01-02T03:04:05Z', updatedAt: '2026-01-02T03:04:06Z' },
          },
        ],
        next: null,
      },
    });
  });

  test.each([
    ['served', list(record), 200],
    ['refused', list({ ...record, state: '99' }), 502],
  ])('a correlation id goes along to ServiceNow and is in the answer, where it is %s', async (_what, body, status) => {
    const sent: (string | null)[] = [];
    const app = createMediation({
      table: createIncidentTable({
        fetch: async (_url, init) => {
          sent.push(new Headers(init?.headers).get('x-correlation-id'));
          return new Response(body, { headers: { 'content-type': 'application/xml' } });
        },
        format: xmlFormat,
        readSecret: async () => ({ url: 'https://instance.invalid', username: 'u', password: 'p' }),
        timeoutMs: 1_000,
      }),
      newId: () => '',
      onUpstreamFailure: () => undefined,
      onFailure: () => undefined,
    });
    const headers = { 'x-correlation-id': 'order-7' };
    const answer = await app.fetch(new Request('http://facade.invalid/v1/incidents', { headers }), caller);
    expect([answer.status, answer.headers.get('x-correlation-id'), sent]).toEqual([status, 'order-7', ['order-7']]);
  });

  test.each([
    ['a state that there is not', list({ ...record, state: '99' })],
    ['an impact that is no number', list({ ...record, impact: 'high' })],
    ['a date of another form', list({ ...record, opened_at: '02/01/2026' })],
    ['a row without its number', list({ ...record, number: '' })],
    ['a sys_id that is none', list({ ...record, sys_id: '../x' })],
    ['broken XML', '<response><result>'],
    ['more than is read', list(record).padEnd(20_000)],
  ])('an answer that holds no incident is not passed on: %s (bad schema)', async (_what, body) => {
    expect(await listed(body)).toMatchObject({ status: 502, body: { type: 'urn:greengrass-itsm:upstream_invalid' } });
  });

  test('JSON where XML was asked for is not believed', async () => {
    expect((await listed('{"result":[]}', { type: 'application/json' })).status).toBe(502);
  });
});
