import { afterEach, expect, test } from 'vitest';
import { silentLogger } from '../../device/platform/logger.ts';
import { manualTime } from '../../device/platform/time.ts';
import { type ServiceNow, startServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';
import { testClient } from '../../device/simulation/servicenow/test-client.ts';
import { audit, strictPolicy } from './audit.ts';
import { type Breach, correlationIdOf } from './breach.ts';
import { readInstance } from './instance.ts';
import { breachFrom, breachLineOf, hexId } from './told-fixture.ts';

let serviceNow: ServiceNow | undefined;
afterEach(() => serviceNow?.stop());

async function start() {
  const time = manualTime(Date.UTC(2026, 0, 5));
  const running = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger, time });
  serviceNow = running;
  const call = testClient(running);
  let ids = 0;

  /** Tells of a breach as the edge does; answers the sys_id. */
  async function tell(breach: Breach): Promise<string> {
    ids += 1;
    const id = hexId(ids);
    const noted = (words: string, sequence: number, lasting: boolean) =>
      `${words}\n\n${breachLineOf(id, breach, lasting)}\n\n[${id}:${sequence}]`;
    time.advance(60_000);
    const created = await call('POST', '/api/now/table/incident', {
      body: {
        correlation_id: correlationIdOf(breach),
        correlation_display: id,
        description: breachLineOf(id, breach, true),
        work_notes: noted('Opened by the edge.', 1, true),
      },
    });
    const { sys_id: sysId } = Object(created.result);
    await call(
      'POST',
      `/api/now/attachment/file?table_name=incident&table_sys_id=${sysId}&file_name=breach-${id}-1.png`,
      {
        body: new Uint8Array([1]),
        headers: { 'content-type': 'image/png' },
      },
    );
    time.advance(60_000);
    await call('PATCH', `/api/now/table/incident/${sysId}`, {
      body: { work_notes: noted('Recovered at 29 °C.', 2, false) },
    });
    await call('PATCH', `/api/now/table/incident/${sysId}`, {
      body: { state: '6', close_code: 'Solution provided', close_notes: noted('Recovered at 29 °C.', 2, false) },
    });
    return String(sysId);
  }

  async function judge(breaches: readonly Breach[], pageSize = 2) {
    const { username, password } = running.credentials;
    const records = await readInstance({ url: running.url, username, password, pageSize });
    return audit({ breaches, ...records, policy: strictPolicy });
  }
  return { running, call, tell, judge };
}

const breaches = ['temperature', 'humidity', 'pressure'].flatMap((metric) => [
  breachFrom(10, 20, { metric }),
  breachFrom(40, 55, { metric, rule: 'lower' }),
]);

test('a local ServiceNow that was told the truth has no findings, page by page', async () => {
  const { tell, judge, call } = await start();
  for (const breach of breaches) await tell(breach);
  await call('POST', '/api/now/table/incident', { body: { short_description: 'Printer jams' } });
  expect(await judge(breaches)).toMatchObject({ ok: true, summary: { breaches: 6, incidents: 6 } });
});

test('a loss, a double, a second note, a second chart and an open incident are found in a local ServiceNow', async () => {
  const { tell, judge, call, running } = await start();
  const sysIds: string[] = [];
  for (const breach of breaches.slice(1)) sysIds.push(await tell(breach));
  const [double] = breaches.slice(1);
  await tell(double ?? expect.fail());
  const note = running.rows('sys_journal_field').find((entry) => entry['element_id'] === sysIds[1]);
  await call('PATCH', `/api/now/table/incident/${sysIds[1]}`, { body: { work_notes: note?.['value'] } });
  const chart = running.rows('sys_attachment').find((file) => file['table_sys_id'] === sysIds[2]);
  await call(
    'POST',
    `/api/now/attachment/file?table_name=incident&table_sys_id=${sysIds[2]}&file_name=${chart?.['file_name']}`,
    { body: new Uint8Array([1]), headers: { 'content-type': 'image/png' } },
  );
  await call('PATCH', `/api/now/table/incident/${sysIds[3]}`, {
    body: { state: '2', close_notes: '', close_code: '' },
  });

  const result = await judge(breaches);
  expect(result.lost).toEqual([breaches[0]]);
  expect(result.duplicates).toMatchObject([{ numbers: ['INC0010001', 'INC0010006'] }]);
  expect(result.doubledNotes).toMatchObject([{ number: 'INC0010002' }]);
  expect(result.doubledAttachments).toMatchObject([{ number: 'INC0010003' }]);
  expect(result.wronglyOpen).toMatchObject([{ number: 'INC0010004' }]);
});

test('a wrong password, a dead address and a sleeping instance are sentences', async () => {
  const { running } = await start();
  const { username, password } = running.credentials;
  await expect(readInstance({ url: running.url, username, password: 'wrong' })).rejects.toThrow(
    /incident answers 401: the audit's user \(admin\)/,
  );
  running.faults.add({ kind: 'hibernate' });
  await expect(readInstance({ url: running.url, username, password })).rejects.toThrow(/does not answer with records/);
  await running.stop();
  await expect(readInstance({ url: running.url, username, password })).rejects.toThrow(
    /Cannot read http.* Is the instance running/,
  );
});
