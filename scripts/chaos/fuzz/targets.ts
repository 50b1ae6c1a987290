import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { translate } from '../../../cloud/incident-events/translate.ts';
import { decode as decodeLine } from '../../../cloud/sensor-data-lake/decode.ts';
import { publishedMessage } from '../../../cloud/stream-ingestion/contract.ts';
import { decode as decodeRecord } from '../../../cloud/stream-ingestion/decode.ts';
import { answerMessage, deviceStatusMessage, handlerStatusMessage } from '../../../device/anomaly/anomaly.ts';
import { parseDetection } from '../../../device/anomaly/detection-state.ts';
import { readConfigFile } from '../../../device/config/config-file.ts';
import { loadConfig } from '../../../device/config/load.ts';
import { setOptionPart } from '../../../device/config/set-option.ts';
import { parseAnomaly, parseStatus } from '../../../device/handler/parse.ts';
import { parseJson, refusal } from '../../../device/incident/servicenow/errors.ts';
import { incidentAnswer, incidentListAnswer, tokenAnswer } from '../../../device/incident/servicenow/schema.ts';
import {
  anomalyExample,
  answerExample,
  deviceStatusExamples,
  handlerStatusExample,
  readingExample,
} from '../../../device/messages/examples.ts';
import { readFragment } from '../../../device/pages/console/fragment.ts';
import { encodeListQuery, parseListQuery } from '../../../device/pages/review/list-query.ts';
import { AppError } from '../../../device/platform/errors.ts';
import { silentLogger } from '../../../device/platform/logger.ts';
import { parseSecret } from '../../../device/secrets/parse-secret.ts';
import { parseGatewayMessage } from '../../../device/sensor/mqtt/parse.ts';
import { recordedRows } from '../../../device/sensor/replay/recording.ts';
import { parseEncodedQuery } from '../../../device/simulation/servicenow/encoded-query.ts';
import { readPayload } from '../../../device/simulation/servicenow/payload.ts';
import { compileQuery } from '../../../device/simulation/servicenow/query-sql.ts';
import { startServiceNow } from '../../../device/simulation/servicenow/start-servicenow.ts';
import { tables } from '../../../device/simulation/servicenow/tables.ts';
import { topics } from '../../../device/transport/topics.ts';
import { bytesOf, jsonBytes, nearly, sentence, text } from './grammars.ts';

/** A parser at an edge, with inputs that are valid, nearly valid and hostile. */
export interface Target {
  name: string;
  /** Begins what the parser needs; the returned functions are used until `end`. */
  open(): Promise<Opened> | Opened;
  /** How many times as long as of a pure parser an input takes: so many times fewer are tried. */
  cost?: number;
}

export interface Opened {
  /** Holds `fc.check`able input and what is done with it: returns, or throws what the parser must not throw. */
  property: fc.IRawProperty<unknown, boolean>;
  end?(): Promise<void> | void;
}

function pure<T>(name: string, input: fc.Arbitrary<T>, parse: (input: T) => unknown): Target {
  return { name, open: () => ({ property: fc.property(input, (one) => void parse(one)) }) };
}

/** What is expected of an input that cannot be used: an AppError, which tells a person. */
function expected(error: unknown): void {
  if (!(error instanceof AppError)) throw error;
  if (error.message.length > longestSentence) throw new Error(`a sentence of ${error.message.length} characters`);
}

/** Configuration tells of every problem, and a file has at most 64 KiB of them. */
const longestSentence = 2_000_000;

const deviceTopics = ['IoTBlog/gateway/a', 'IoTBlog/gateway/%2f', 'IoTBlog/gateway/handler', 'a', ''];
const topic = fc.oneof(fc.constantFrom(...deviceTopics), text);

const gatewayMessages = pure(
  'gateway message',
  fc.record({ topic, payload: jsonBytes([readingExample, { temperature: 21.5, humidity: 40 }]) }),
  (message) => parseGatewayMessage(message, 'IoTBlog/gateway/+', 8_000),
);

const anomalyMessages = pure(
  'anomaly message',
  fc.record({ payload: jsonBytes([anomalyExample]), topicDevice: fc.option(text, { nil: undefined }) }),
  ({ payload, topicDevice }) => {
    const parsed = parseAnomaly(payload, topicDevice);
    if (!parsed.ok && parsed.reason.length > 300) throw new Error('a reason that is not bounded');
  },
);

const answers = pure(
  'answers and status',
  jsonBytes([answerExample, handlerStatusExample, ...deviceStatusExamples]),
  (payload) => {
    parseStatus(payload, answerMessage);
    parseStatus(payload, handlerStatusMessage);
    parseStatus(payload, deviceStatusMessage);
  },
);

const named = topics({
  ...{ sensorData: 'IoTBlog/sensorData', anomaly: 'IoTBlog/anomaly', ack: 'IoTBlog/ack', status: 'IoTBlog/status' },
  perDevice: true,
});
const topicNames = pure(
  'topic',
  sentence(['IoTBlog/sensorData/', 'IoTBlog/anomaly/from/', 'IoTBlog/status/', '%2F', '%', '/', '+', 'a'], 6),
  (whole) => named.deviceOf(whole),
);

const secrets = pure(
  'secret',
  nearly([
    { username: 'greengrass', password: 'secret' },
    { clientId: 'a', clientSecret: 'b' },
  ]).map((any) => JSON.stringify(any)),
  (whole) => {
    const parsed = parseSecret(whole, 'The secret');
    if (!parsed.ok && parsed.message.length > 500) throw new Error('a message that quotes the secret');
  },
);

const detection = pure('kept detection state', nearly([{ version: 1, rules: {} }, null]), (saved) =>
  parseDetection(saved),
);

const row = Object.fromEntries(
  [
    ...['sys_id', 'number', 'state', 'correlation_id', 'u_occurrence', 'work_notes', 'description', 'close_notes'],
    ...[
      'urgency',
      'assigned_to',
      'assignment_group',
      'sys_created_on',
      'sys_updated_on',
      'sys_updated_by',
      'sys_mod_count',
    ],
  ].map((name) => [name, { value: cellOf(name), display_value: 'shown' }]),
);

function cellOf(name: string): string {
  if (name === 'sys_id') return '0123456789abcdef0123456789abcdef';
  if (name.endsWith('_on')) return '2026-03-01 10:11:50';
  return '1';
}

const instanceAnswers = pure(
  'answer of the instance',
  fc.record({
    body: nearly([
      { result: row },
      { result: [row, row] },
      { access_token: 'a', expires_in: '1799' },
      { error: { message: 'No', detail: 'x' } },
    ]).map((any) => JSON.stringify(any)),
    status: fc.constantFrom(200, 201, 301, 400, 401, 403, 404, 405, 408, 429, 500, 503, 100, 599),
    contentType: fc.oneof(fc.constantFrom('application/json', 'text/html', ''), text),
    retryAfter: fc.option(
      fc.oneof(fc.constantFrom('1', '99999999999999999999', 'Wed, 21 Oct 2026 07:28:00 GMT'), text),
      { nil: undefined },
    ),
    rateLimitReset: fc.option(fc.oneof(fc.constantFrom('1', '99999999999999999999'), text), { nil: undefined }),
  }),
  (answer) => {
    const context = { what: 'GET incident', addressesRecord: true, wallMs: 0, redacted: (whole: string) => whole };
    const failure = refusal({ kind: 'answered', ...answer }, context);
    if (failure !== undefined && failure.message.length > 1_000) throw new Error('a message that is not bounded');
    if (failure?.kind === 'throttled' && !(failure.retryAfterMs >= 1_000 && failure.retryAfterMs <= 3_600_000)) {
      throw new Error(`a pause of ${failure.retryAfterMs} ms`);
    }
    const body = parseJson(answer.body);
    for (const schema of [incidentAnswer('u_occurrence'), incidentListAnswer('u_occurrence'), tokenAnswer])
      schema.safeParse(body);
  },
);

const csvText = sentence(
  [
    'timestamp,temperature,humidity\n',
    '2015-12-15T10:11:50Z,',
    '2015-12-15 10:11:50,',
    '21.5,',
    '40\n',
    '"',
    '\r\n',
    '\n',
    ',',
    '"a""b"',
    ';',
    '\t',
  ],
  40,
);
const recordings: Target = {
  name: 'CSV of a recording',
  async open() {
    const { file, end } = await scratchFile('recording.csv');
    const property = fc.property(bytesOf(csvText), (bytes) => {
      writeFileSync(file, bytes);
      try {
        for (const _row of recordedRows(file, { timestamp: 'timestamp', temperature: 'temperature' }));
      } catch (error) {
        expected(error);
      }
    });
    return { property, end };
  },
  cost: 4,
};

const configurationExample = {
  site: 'greenhouse',
  thresholds: { temperature: { upper: 30, deadband: 0.5 } },
  tempLimit: '30',
  humidLimit: 50,
  snowUrl: 'https://dev1.service-now.com/api/now/table/incident',
  transport: { kind: 'mqtt', mqtt: { url: 'mqtts://localhost:8883', username: 'a' } },
  sensor: { kind: 'mock' },
  serviceNow: { url: 'https://dev1.service-now.com', fields: { urgency: '2' } },
};

const configurations: Target = {
  name: 'configuration of a deployment',
  open: () => ({
    property: fc.asyncProperty(nearly([configurationExample]), async (deployment) => {
      await loadConfig({ deployment }).catch(expected);
    }),
  }),
  cost: 10,
};

const setOptions = pure(
  '--set',
  sentence(['thresholds', '.', 'temperature', '[', ']', '"', '\\', '=', '{', '30'], 12),
  (option) => {
    try {
      setOptionPart(option);
    } catch (error) {
      expected(error);
    }
  },
);

const yamlText = sentence(
  [
    'site: a\n',
    'thresholds:\n',
    '  temperature:\n',
    '    upper: 30\n',
    '- ',
    '? ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    '&a ',
    '*a',
    '!!js ',
    '|\n',
    '>\n',
    '"',
    "'",
    '#',
    '---\n',
    '%YAML 1.1\n',
    '<<: ',
    '\t',
    '    ',
  ],
  40,
);
const configurationFiles: Target = {
  name: 'configuration file',
  async open() {
    const { file, end } = await scratchFile('configuration.yaml');
    const property = fc.asyncProperty(
      bytesOf(
        fc.oneof(
          yamlText,
          nearly([configurationExample]).map((any) => JSON.stringify(any)),
        ),
      ),
      async (bytes) => {
        writeFileSync(file, bytes);
        const content = await readConfigFile(file);
        if (!content.ok && content.flaw.length > 200) throw new Error('a flaw that quotes the file');
      },
    );
    return { property, end };
  },
  cost: 10,
};

const queryText = sentence(
  [
    ...[
      'active=true',
      'state',
      'number',
      'IN',
      'NOT IN',
      '1,2',
      '^',
      '^OR',
      '^NQ',
      'LIKE',
      'BETWEEN',
      '@',
      'ORDERBY',
      'ORDERBYDESC',
    ],
    ...[
      'sys_created_on',
      '>',
      'javascript:gs.beginningOfToday()',
      'ISEMPTY',
      'SAMEAS',
      'assigned_to.name',
      '%',
      "'",
      '"',
      ')',
      ';',
    ],
  ],
  24,
);
const encodedQueries = pure('encoded query', queryText, (query) => {
  const parsed = parseEncodedQuery(query);
  const incident = tables.get('incident');
  if (incident === undefined) throw new Error('no table incident');
  const { where, values } = compileQuery(parsed, incident, {
    invalidQueryReturnsNoRows: false,
    choiceValue: (_table, _element, label) => label,
  });
  if ((where.match(/\?/g) ?? []).length !== values.length) throw new Error('a query whose values do not fit its SQL');
});

const listQueries = pure('query of the review page', queryText, (query) => {
  const once = encodeListQuery(parseListQuery(query));
  if (encodeListQuery(parseListQuery(once)) !== once) throw new Error('a query that changes when it is read again');
});

const fragments = pure(
  'fragment of the console',
  sentence(['#', 'device=', '&', 'breach=', '%', '%41', '=', 'a'], 10),
  readFragment,
);

const bodyTypes = ['application/json', 'application/xml', 'text/xml', 'text/plain', 'application/json; charset=utf-16'];
const incidentBody = { short_description: 'a', urgency: 1, correlation_id: 'b', work_notes: 'c', state: '2' };
const xmlText = sentence(
  [
    '<request>',
    '</request>',
    '<entry>',
    '</entry>',
    '<a>',
    '</a>',
    '<![CDATA[',
    ']]>',
    '<!DOCTYPE a [',
    '<!ENTITY b "c">',
    '&b;',
    '&#0;',
    '<?xml version="1.0"?>',
    '<__proto__>',
    '</__proto__>',
    'x',
  ],
  24,
);
const body = bytesOf(
  fc.oneof(
    nearly([incidentBody]).map((any) => JSON.stringify(any)),
    xmlText,
  ),
);
const bodies = pure(
  'body of the Table API',
  fc.record({ body, type: fc.constantFrom(...bodyTypes) }),
  ({ body: bytes, type }) => {
    const headers = new Headers({ 'content-type': type });
    readPayload({
      method: 'POST',
      path: '/api/now/table/incident',
      query: new URLSearchParams(),
      headers,
      body: bytes,
      baseUrl: '',
    });
  },
);

const parameters = sentence(
  [
    'sysparm_limit=',
    'sysparm_offset=',
    'sysparm_fields=',
    'sysparm_query=',
    'sysparm_display_value=',
    'all',
    'true',
    '-1',
    '1e9',
    '&',
    'number',
    ',',
  ],
  12,
);
const paths = sentence(
  [
    '/api/now/table/',
    'incident',
    '/api/now/v2/table/',
    'sys_user',
    '/',
    'attachment',
    '/file',
    '/api/now/batch',
    '..',
    '%2e',
    '0123456789abcdef0123456789abcdef',
    '/oauth_token.do',
    '/stats/incident',
  ],
  5,
);
const tableApi: Target = {
  name: 'Table API over a socket',
  async open() {
    const serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger, password: 'fuzz' });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const authorization = `Basic ${Buffer.from('admin:fuzz').toString('base64')}`;
    const input = fc.record({
      method: fc.constantFrom('GET', 'POST', 'PATCH', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'),
      path: paths.map((path) => (path.startsWith('/admin') ? '/' : path)),
      query: fc.oneof(
        parameters,
        queryText.map((query) => `sysparm_query=${encodeURIComponent(wellFormed(query))}`),
      ),
      type: fc.constantFrom(...bodyTypes),
      body,
    });
    const property = fc.asyncProperty(input, async ({ method, path, query, type, body: bytes }) => {
      const target =
        encodeURI(wellFormed(`/${path}`).replace(/^\/+/, '/')) +
        (query === '' ? '' : `?${encodeURI(wellFormed(query))}`);
      const status = await statusOf(
        { port: serviceNow.port, agent, method, path: target, headers: { authorization, 'content-type': type } },
        bytes,
      );
      if (status === 500) throw new Error(`${method} ${target.slice(0, 200)}: answered 500`);
    });
    return {
      property,
      async end() {
        agent.destroy();
        await serviceNow.stop();
      },
    };
  },
  cost: 100,
};

function statusOf(options: object, bytes: Uint8Array): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', timeout: 5_000, ...options }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode));
    });
    sent.once('timeout', () => sent.destroy(new Error('no answer within 5 s')));
    sent.once('error', reject);
    sent.end(bytes);
  });
}

const streamRecords = pure(
  'record of the readings stream',
  bytesOf(
    fc.oneof(
      nearly([
        {
          data: Buffer.from(JSON.stringify(readingExample)).toString('base64'),
          clientId: 'IoT-blog_Core',
          receivedAtMs: 1,
        },
        readingExample,
      ]).map((any) => JSON.stringify(any)),
      sentence(['15.4', '|', '2020-08-22T01:16:36+00:00', '-', 'e', '.', '1301'], 6),
    ),
  ),
  (bytes) => {
    const record = { eventId: 'shard:1', sequenceNumber: '1', partitionKey: '1301', arrivedMs: 0, bytes };
    decodeRecord(record, { gateways: {}, keepDays: 30 });
    decodeLine(Buffer.from(bytes).toString('utf8'), {});
  },
);

const publishedAnomalies = pure('anomaly in the cloud', jsonBytes([anomalyExample]), (bytes) => {
  const published = { data: Buffer.from(bytes).toString('base64'), clientId: 'IoT-blog_Core', receivedAtMs: 1 };
  const parsed = publishedMessage.safeParse(published);
  if (parsed.success) translate(parsed.data, {});
});

/** Every parser that bytes of somebody else reach. */
export const targets: readonly Target[] = [
  ...[gatewayMessages, anomalyMessages, answers, topicNames, secrets, detection, instanceAnswers],
  ...[recordings, configurations, setOptions, configurationFiles],
  ...[encodedQueries, listQueries, fragments, bodies, tableApi, streamRecords, publishedAnomalies],
];

/** Without halves of characters, which an address cannot hold. */
function wellFormed(whole: string): string {
  return Buffer.from(whole).toString('utf8');
}

async function scratchFile(name: string): Promise<{ file: string; end: () => void }> {
  const folder = await mkdtemp(join(tmpdir(), 'fuzz-'));
  return { file: join(folder, name), end: () => rmSync(folder, { recursive: true, force: true }) };
}
