import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../platform/logger.ts';
import { type ServiceNow, startServiceNow } from './start-servicenow.ts';
import { testClient } from './test-client.ts';

const attachments = '/api/now/attachment';
let serviceNow: ServiceNow;
let call: ReturnType<typeof testClient>;
let incidentId: string;
beforeAll(async () => {
  serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger });
  call = testClient(serviceNow);
});
afterAll(() => serviceNow.stop());
beforeEach(async () => {
  serviceNow.reset();
  await call('POST', '/api/now/table/incident', { body: {} });
  incidentId = serviceNow.rows('incident')[0]?.['sys_id'] ?? '';
});

const bytes = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255, 10]);
const upload = (name = 'breach.png', sysId = incidentId) =>
  call('POST', `${attachments}/file?table_name=incident&table_sys_id=${sysId}&file_name=${name}`, {
    body: bytes,
    headers: { 'content-type': 'image/png' },
  });
const attachmentId = () => serviceNow.rows('sys_attachment')[0]?.['sys_id'] ?? '';

describe('attachments', () => {
  test('are stored with size, hash and link', async () => {
    const reply = await upload();
    expect(reply.status).toBe(201);
    expect(reply.headers.get('location')).toBe(`${serviceNow.url}${attachments}/${attachmentId()}`);
    expect(reply.result).toMatchObject({
      file_name: 'breach.png',
      content_type: 'image/png',
      table_name: 'incident',
      table_sys_id: incidentId,
      size_bytes: '7',
      hash: createHash('sha256').update(bytes).digest('hex'),
      download_link: `${serviceNow.url}${attachments}/${attachmentId()}/file`,
    });
  });

  test('are listed by query, read, downloaded as they came, and deleted', async () => {
    await upload();
    await upload('other.png');
    const list = await call('GET', `${attachments}?sysparm_query=table_sys_id=${incidentId}^file_name=breach.png`);
    expect(list.result).toMatchObject([{ file_name: 'breach.png', download_link: expect.stringContaining('/file') }]);
    expect(list.headers.get('x-total-count')).toBe('1');
    expect((await call('GET', `${attachments}/${attachmentId()}`)).result).toMatchObject({ file_name: 'breach.png' });

    const authorization = `Basic ${Buffer.from(`admin:${serviceNow.credentials.password}`).toString('base64')}`;
    const file = await fetch(`${serviceNow.url}${attachments}/${attachmentId()}/file`, { headers: { authorization } });
    expect(file.headers.get('content-type')).toBe('image/png');
    expect(Buffer.from(await file.arrayBuffer())).toEqual(bytes);

    const removed = attachmentId();
    expect((await call('DELETE', `${attachments}/${removed}`)).status).toBe(204);
    expect((await call('GET', `${attachments}/${removed}`)).status).toBe(404);
    expect((await call('GET', `${attachments}/${removed}/file`)).status).toBe(404);
  });

  test('go with their record', async () => {
    await upload();
    await call('DELETE', `/api/now/table/incident/${incidentId}`);
    expect(serviceNow.rows('sys_attachment')).toEqual([]);
  });

  test('want a record, and all their parameters', async () => {
    expect((await upload('a.png', '0'.repeat(32))).status).toBe(404);
    expect((await call('POST', `${attachments}/file?table_name=incident`, { body: bytes })).status).toBe(400);
    expect(
      (await call('POST', `${attachments}/file?table_name=x&table_sys_id=y&file_name=z`, { body: bytes })).status,
    ).toBe(400);
    expect(serviceNow.rows('sys_attachment')).toEqual([]);
  });

  test('are subject to faults as any write', async () => {
    serviceNow.faults.add({ kind: 'commit-then-cut', count: 1, match: { pathIncludes: '/attachment' } });
    await expect(upload()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(serviceNow.rows('sys_attachment')).toHaveLength(1);
    serviceNow.faults.add({ kind: 'create-without-read' });
    expect((await call('GET', attachments)).result).toEqual([]);
    expect((await call('GET', `${attachments}/${attachmentId()}/file`)).status).toBe(404);
  });
});
