import { Agent } from 'node:https';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../../platform/logger.ts';
import { testAuthority } from '../test-certificates.ts';
import { type ServiceNow, startServiceNow } from './start-servicenow.ts';
import { testClient } from './test-client.ts';

/** Clients of real instances, as their packages ship them. They are CommonJS and bring no types for what is used here. */
const require = createRequire(import.meta.url);

afterEach(() => vi.restoreAllMocks());

describe('servicenow-rest-api, over TLS', () => {
  type Callback = (answer: unknown) => void;
  interface Client {
    Authenticate(): void;
    setNetworkOptions(options: object): void;
    getSampleData(type: string, callback: Callback): void;
    getTableData(fields: string[], filters: string[], type: string, callback: Callback): void;
    createNewTask(data: object, type: string, callback: Callback): void;
    getSysId(type: string, number: string, callback: Callback): void;
    UpdateTask(type: string, number: string, data: object, callback: Callback): void;
    DeleteTask(type: string, number: string, callback: Callback): void;
    getAttachmentMetaData(sysId: string, callback: Callback): void;
    getAllAttachmentsMetaData(tableSysId: string, callback: Callback): void;
    getAttachment(sysId: string, callback: Callback): void;
  }
  const ServiceNowClient: new (instance: string, user: string, password: string) => Client =
    require('servicenow-rest-api');

  let serviceNow: ServiceNow;
  let client: Client;
  let ca: string;
  /** What the client hears as long as it does not know the authority. */
  let untrusted: unknown;
  beforeAll(async () => {
    const authority = await testAuthority();
    ca = authority.cert;
    const tls = await authority.server();
    serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger, tls });
    const { username, password } = serviceNow.credentials;
    client = new ServiceNowClient(`127.0.0.1:${serviceNow.port}`, username, password);
    untrusted = await answerOf((done) => client.getSampleData('incident', done));
    // The package keeps its settings for all of its clients, and takes them once.
    client.setNetworkOptions({ httpsAgent: new Agent({ ca }), proxy: false });
  });
  afterAll(() => serviceNow.stop());
  beforeEach(() => {
    serviceNow.reset();
    vi.spyOn(console, 'log').mockReturnValue();
  });

  const answerOf = (ask: (callback: Callback) => void) => new Promise<unknown>((resolve) => ask(resolve));
  const rows = () => serviceNow.rows('incident');

  test('logs in, and trusts the instance by its authority alone', async () => {
    client.Authenticate();
    await vi.waitFor(() => expect(console.log).toHaveBeenCalledWith('Authenticated'));
    expect(untrusted).toMatchObject({ code: expect.stringMatching(/CERT|SIGNATURE|ISSUER/) });
  });

  test('creates by labels, finds, updates and deletes', async () => {
    const data = { short_description: 'Cold room at 9.4 °C', assignment_group: 'Facilities', state: 'In Progress' };
    expect(await answerOf((done) => client.createNewTask(data, 'incident', done))).toMatchObject({
      number: 'INC0010001',
      state: 'In Progress',
      assignment_group: { display_value: 'Facilities', link: expect.stringMatching(/^https:\/\/127\.0\.0\.1:/) },
    });
    await answerOf((done) => client.createNewTask({ short_description: 'Printer' }, 'incident', done));

    const filters = ['active=true', 'short_descriptionLIKEcold', 'assignment_group.name=Facilities'];
    const fields = ['number', 'priority', 'assignment_group.name'];
    expect(await answerOf((done) => client.getTableData(fields, filters, 'incident', done))).toEqual([
      { number: 'INC0010001', priority: '5 - Planning', 'assignment_group.name': 'Facilities' },
    ]);
    expect(await answerOf((done) => client.getSampleData('incident', done))).toHaveLength(1);
    expect(await answerOf((done) => client.getSysId('incident', 'INC0010002', done))).toBe(rows()[1]?.['sys_id']);

    const changes = { urgency: '1 - High', work_notes: 'Door was open' };
    const updated = await answerOf((done) => client.UpdateTask('incident', 'INC0010001', changes, done));
    expect(updated).toMatchObject({ priority: '3 - Moderate', work_notes: expect.stringContaining('Door was open') });
    expect(await answerOf((done) => client.DeleteTask('incident', 'INC0010001', done))).toMatchObject({ status: 204 });
    expect(rows().map((row) => row['number'])).toEqual(['INC0010002']);
  });

  test('reads attachments', async () => {
    await answerOf((done) => client.createNewTask({}, 'incident', done));
    const tableSysId = rows()[0]?.['sys_id'] ?? '';
    const { username, password } = serviceNow.credentials;
    await answerOf((done) => {
      const path = `/api/now/attachment/file?table_name=incident&table_sys_id=${tableSysId}&file_name=a.txt`;
      const { request }: typeof import('node:https') = require('node:https');
      const headers = { 'content-type': 'text/plain' };
      request(serviceNow.url + path, { ca, method: 'POST', auth: `${username}:${password}`, headers, agent: false })
        .on('response', (response) => response.resume().on('end', () => done(undefined)))
        .end('some text');
    });
    const sysId = serviceNow.rows('sys_attachment')[0]?.['sys_id'] ?? '';
    const about = { file_name: 'a.txt', size_bytes: '9', content_type: 'text/plain' };
    expect(await answerOf((done) => client.getAllAttachmentsMetaData(tableSysId, done))).toMatchObject([about]);
    expect(await answerOf((done) => client.getAttachmentMetaData(sysId, done))).toMatchObject(about);
    expect(await answerOf((done) => client.getAttachment(sysId, done))).toMatchObject({ data: 'some text' });
  });

  test('hears of refusals', async () => {
    const stranger = new ServiceNowClient(`127.0.0.1:${serviceNow.port}`, 'admin', 'wrong');
    expect(await answerOf((done) => stranger.getSampleData('incident', done))).toMatchObject({
      response: { status: 401, data: { error: { message: 'User Not Authenticated' } } },
    });
    expect(await answerOf((done) => client.getTableData([], [], 'nothing', done))).toMatchObject({
      response: { status: 400, data: { error: { message: 'Invalid table nothing' } } },
    });
  });
});

describe('plugin-scaffolder-backend-module-servicenow of Backstage', () => {
  interface Service {
    getApiNowTableByTableName(data: object): Promise<unknown>;
    postApiNowTableByTableName(data: object): Promise<unknown>;
    getApiNowTableByTableNameBySysId(data: object): Promise<unknown>;
    putApiNowTableByTableNameBySysId(data: object): Promise<unknown>;
    patchApiNowTableByTableNameBySysId(data: object): Promise<unknown>;
    deleteApiNowTableByTableNameBySysId(data: object): Promise<unknown>;
  }
  // The package does not export its generated client; it lies beside what it exports.
  const generated = join(
    dirname(require.resolve('@backstage-community/plugin-scaffolder-backend-module-servicenow')),
    'generated',
    'now',
    'table',
  );
  const { DefaultService }: { DefaultService: Service } = require(join(generated, 'services.cjs.js'));
  const { OpenAPI }: { OpenAPI: Record<string, string | undefined> } = require(
    join(generated, 'core', 'OpenAPI.cjs.js'),
  );

  let serviceNow: ServiceNow;
  let call: ReturnType<typeof testClient>;
  beforeAll(async () => {
    serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger });
    call = testClient(serviceNow);
  });
  afterAll(() => serviceNow.stop());
  beforeEach(() => {
    serviceNow.reset();
    const { username, password } = serviceNow.credentials;
    Object.assign(OpenAPI, { BASE: serviceNow.url, USERNAME: username, PASSWORD: password, TOKEN: undefined });
  });

  const tableName = 'incident';

  test('the generated client creates, reads, lists, modifies, updates and deletes', async () => {
    const created = await DefaultService.postApiNowTableByTableName({
      tableName,
      requestBody: { short_description: 'hot', state: 'In Progress', impact: 1 },
      sysparmInputDisplayValue: true,
      sysparmDisplayValue: 'all',
      sysparmFields: 'number,state,priority',
    });
    expect(created).toEqual({
      result: {
        number: { display_value: 'INC0010001', value: 'INC0010001' },
        state: { display_value: 'In Progress', value: '2' },
        priority: { display_value: '3 - Moderate', value: '3' },
      },
    });
    const sysId = serviceNow.rows('incident')[0]?.['sys_id'];
    expect(
      await DefaultService.getApiNowTableByTableName({
        tableName,
        sysparmQuery: 'short_description=hot^ORDERBYDESCnumber',
        sysparmFields: 'sys_id',
        sysparmLimit: 1,
        sysparmExcludeReferenceLink: true,
        sysparmQueryNoDomain: true,
        sysparmNoCount: true,
        sysparmView: 'ess',
      }),
    ).toEqual({ result: [{ sys_id: sysId }] });
    await DefaultService.putApiNowTableByTableNameBySysId({ tableName, sysId, requestBody: { urgency: '1' } });
    await DefaultService.patchApiNowTableByTableNameBySysId({ tableName, sysId, requestBody: { work_notes: 'n' } });
    expect(await DefaultService.getApiNowTableByTableNameBySysId({ tableName, sysId })).toMatchObject({
      result: { priority: '1', sys_mod_count: '2' },
    });
    expect(await DefaultService.deleteApiNowTableByTableNameBySysId({ tableName, sysId })).toBeUndefined();
    expect(serviceNow.rows('incident')).toEqual([]);
  });

  test('the generated client logs in by an OAuth token and hears of refusals', async () => {
    const { clientId, clientSecret } = serviceNow.credentials;
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
    });
    const token = await call('POST', '/oauth_token.do', {
      body: body.toString(),
      headers: { authorization: '', 'content-type': 'application/x-www-form-urlencoded' },
    });
    Object.assign(OpenAPI, { USERNAME: '', PASSWORD: '', TOKEN: JSON.parse(token.text).access_token });
    expect(await DefaultService.getApiNowTableByTableName({ tableName })).toEqual({ result: [] });
    const refusal = { status: 404, body: { error: { message: 'No Record found' }, status: 'failure' } };
    const sysId = '0'.repeat(32);
    await expect(DefaultService.getApiNowTableByTableNameBySysId({ tableName, sysId })).rejects.toMatchObject(refusal);
    Object.assign(OpenAPI, { TOKEN: 'expired' });
    await expect(DefaultService.getApiNowTableByTableName({ tableName })).rejects.toMatchObject({ status: 401 });
  });

  test('its actions do as a template asks them', async () => {
    interface Action {
      id: string;
      handler(context: { input: object; output: (name: string, value: unknown) => void }): Promise<void>;
    }
    const module: {
      createServiceNowActions(options: object): Action[];
    } = require('@backstage-community/plugin-scaffolder-backend-module-servicenow');
    const { username, password } = serviceNow.credentials;
    const settings = new Map([
      ['servicenow.baseUrl', serviceNow.url],
      ['servicenow.username', username],
      ['servicenow.password', password],
    ]);
    const actions = module.createServiceNowActions({ config: { getString: (key: string) => settings.get(key) } });
    const run = async (action: string, input: object) => {
      const output: Record<string, unknown> = {};
      const found = actions.find(({ id }) => id === `servicenow:now:table:${action}`);
      await found?.handler({
        input,
        output: (key, value) => {
          output[key] = value;
        },
      });
      return output['result'];
    };
    const created = await run('createRecord', { tableName, requestBody: { short_description: 'from a template' } });
    expect(created).toMatchObject({ number: 'INC0010001', short_description: 'from a template' });
    const sysparmQuery = 'short_descriptionSTARTSWITHfrom';
    expect(await run('retrieveRecords', { tableName, sysparmQuery, sysparmFields: ['number'] })).toEqual([
      { number: 'INC0010001' },
    ]);
    await expect(run('createRecord', { tableName: 'nothing' })).rejects.toThrow('Invalid table nothing');
  });
});
