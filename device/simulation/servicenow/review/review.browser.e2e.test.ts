import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../platform/logger.ts';
import { seriousAccessibilityProblems } from '../../accessibility.ts';
import { hasBrowser, launchBrowser, whyNoBrowser } from '../../browser.ts';
import { type ServiceNow, startServiceNow } from '../start-servicenow.ts';
import { testClient } from '../test-client.ts';

if (!hasBrowser) console.warn(whyNoBrowser);

interface Login {
  userName: string;
  password: string;
}

const incidents = '/api/now/table/incident';
/** A picture of one pixel. */
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

describe.skipIf(!hasBrowser)('incident review page in chromium', { timeout: 60_000 }, () => {
  let browser: Browser;
  let serviceNow: ServiceNow;
  let call: ReturnType<typeof testClient>;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    browser = await launchBrowser();
    serviceNow = await startServiceNow({ port: 0, dataDir: ':memory:', logger: silentLogger });
    call = testClient(serviceNow);
  }, 60_000);
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()));
    serviceNow.faults.clear();
    serviceNow.reset();
  });
  afterAll(async () => {
    await browser.close();
    await serviceNow.stop();
  });

  const adminLogin = (): Login => ({
    userName: serviceNow.credentials.username,
    password: serviceNow.credentials.password,
  });
  /** Creates an incident; answers its sys_id. */
  async function create(fields: Record<string, string>): Promise<string> {
    const before = new Set(serviceNow.rows('incident').map((row) => row['sys_id']));
    expect((await call('POST', incidents, { body: fields })).status).toBe(201);
    return serviceNow.rows('incident').find((row) => !before.has(row['sys_id'] ?? ''))?.['sys_id'] ?? '';
  }
  const stored = (sysId: string) => serviceNow.rows('incident').find((row) => row['sys_id'] === sysId) ?? {};
  const notes = (sysId: string) => serviceNow.rows('sys_journal_field').filter((row) => row['element_id'] === sysId);

  /** A page that somebody has logged in to. What it says in its console beside is a failure of the test. */
  async function open(path = '/', options: BrowserContextOptions = {}, user: Login = adminLogin()) {
    const context = await browser.newContext({ viewport: { width: 1300, height: 900 }, ...options });
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(serviceNow.url + path);
    await page.getByLabel('User name').fill(user.userName);
    await page.getByLabel('Password').fill(user.password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('Live', { exact: true }).waitFor();
    return { page, complaints };
  }
  const row = (page: Page, text: string) => page.getByRole('row').filter({ hasText: text });
  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

  test('a new incident and what becomes of it appear in the list without a reload', async () => {
    const { page, complaints } = await open();
    await page.getByText('No incident matches this filter.').waitFor();
    const sysId = await create({ short_description: 'freezer too warm', category: 'hardware' });
    await row(page, 'freezer too warm').getByText('New').waitFor();
    await call('PATCH', `${incidents}/${sysId}`, { body: { state: '2' } });
    await row(page, 'freezer too warm').getByText('In Progress').waitFor();
    await call('PATCH', `${incidents}/${sysId}`, { body: { state: '8' } });
    await page.getByText('No incident matches this filter.').waitFor();
    expect(complaints).toEqual([]);
  });

  test('an incident is taken, held, resumed, resolved, reopened and canceled', async () => {
    const sysId = await create({ short_description: 'freezer too warm' });
    const { page, complaints } = await open(`/incident/${sysId}`);
    const stateIs = (state: string) => expect.poll(() => stored(sysId)['state']).toBe(state);

    await press(page, 'Take');
    await stateIs('2');
    const me = serviceNow.rows('sys_user').find((user) => user['user_name'] === 'admin')?.['sys_id'];
    expect(stored(sysId)['assigned_to']).toBe(me);
    await page.getByText('Field changes').waitFor();

    const dialog = page.getByRole('dialog');
    await press(page, 'Put on hold');
    await dialog.getByRole('button', { name: 'Put on hold' }).click();
    // Without a reason the form does not go.
    expect(stored(sysId)['state']).toBe('2');
    await dialog.getByLabel('On hold reason').selectOption('Awaiting Vendor');
    await dialog.getByLabel('Work note').fill('The compressor is ordered.');
    await dialog.getByRole('button', { name: 'Put on hold' }).click();
    await stateIs('3');
    expect(stored(sysId)['hold_reason']).toBe('4');
    await page.getByText('The compressor is ordered.').waitFor();

    await press(page, 'Resume');
    await stateIs('2');
    await press(page, 'Resolve');
    await dialog.getByLabel('Resolution code').selectOption('Solution provided');
    await dialog.getByLabel('Resolution notes').fill('Compressor changed.');
    await dialog.getByRole('button', { name: 'Resolve' }).click();
    await stateIs('6');
    expect(stored(sysId)).toMatchObject({ close_code: 'Solution provided', close_notes: 'Compressor changed.' });

    await press(page, 'Reopen');
    await dialog.getByLabel('Reason').fill('Still warm.');
    await dialog.getByRole('button', { name: 'Reopen' }).click();
    await stateIs('2');
    await press(page, 'Cancel incident');
    await dialog.getByLabel('Reason').fill('The freezer is retired.');
    await dialog.getByRole('button', { name: 'Cancel incident' }).click();
    await stateIs('8');
    await page.getByText('Take').waitFor({ state: 'detached' });
    expect(notes(sysId).map((note) => note['value'])).toEqual([
      'The compressor is ordered.',
      'Still warm.',
      'The freezer is retired.',
    ]);
    expect(complaints).toEqual([]);
  });

  test('it is assigned, its fields are changed, and notes and comments are written', async () => {
    const sysId = await create({ short_description: 'freezer too warm' });
    const { page } = await open(`/incident/${sysId}`);
    const dialog = page.getByRole('dialog');
    await press(page, 'Assign');
    await dialog.getByLabel('Assignment group').selectOption('Facilities');
    await dialog.getByLabel('Assigned to').selectOption('Beth Anglin');
    await dialog.getByRole('button', { name: 'Assign' }).click();
    await page.getByText('Beth Anglin was (empty)').waitFor();

    await page.getByLabel('Impact').selectOption('1 - High');
    await page.getByLabel('Short description').fill('freezer far too warm');
    await press(page, 'Save');
    await expect.poll(() => stored(sysId)['priority']).toBe('3');
    expect(stored(sysId)['short_description']).toBe('freezer far too warm');

    await page.getByRole('textbox', { name: 'Note' }).fill('for us');
    await press(page, 'Post work note');
    await page.locator('.work-note', { hasText: 'for us' }).waitFor();
    await page.getByRole('textbox', { name: 'Note' }).fill('for the caller');
    await press(page, 'Post comment');
    await page.locator('.comment', { hasText: 'for the caller' }).waitFor();
    expect(notes(sysId).map((note) => note['element'])).toEqual(['work_notes', 'comments']);
  });

  test('what the instance refuses is said, and what was typed stays', async () => {
    const sysId = await create({ short_description: 'freezer too warm' });
    const user = { userName: 'fred.luddy', password: 'of-fred' };
    serviceNow.addUser({ ...user, roles: ['itil'] });
    const { page } = await open(`/incident/${sysId}`, {}, user);
    await press(page, 'Resolve');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Resolution code').selectOption('Solution provided');
    await dialog.getByLabel('Resolution notes').fill('done');
    serviceNow.addUser({ ...user, roles: ['reader'] });
    await dialog.getByRole('button', { name: 'Resolve' }).click();
    await dialog.getByText('ACL Exception Update Failed due to security constraints').waitFor();
    expect(await dialog.getByLabel('Resolution notes').inputValue()).toBe('done');
    expect(stored(sysId)['state']).toBe('1');
    // One who only reads is offered nothing that writes.
    await page.reload();
    await page.getByText('Activities').waitFor();
    expect(await page.getByRole('button').allTextContents()).not.toContain('Resolve');
  });

  test('a change by somebody else while one is typed is told, and nothing typed is lost', async () => {
    const sysId = await create({ short_description: 'first' });
    const { page } = await open(`/incident/${sysId}`);
    await page.getByLabel('Short description').fill('mine');
    await call('PATCH', `${incidents}/${sysId}`, { body: { short_description: 'theirs', urgency: '1' } });
    await page.getByText('Changed meanwhile to: theirs').waitFor();
    expect(await page.getByLabel('Short description').inputValue()).toBe('mine');
    expect(await page.getByLabel('Urgency').inputValue()).toBe('1');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.getByText('Something here is not saved').waitFor();
  });

  test('scripts in any field are text', async () => {
    const evil = (where: string) =>
      `<script>window.hacked="${where}"</script><img src=x onerror="window.hacked='${where}'">`;
    const item = await call('POST', '/api/now/table/cmdb_ci', { body: { name: evil('item') } });
    const group = await call('POST', '/api/now/table/sys_user_group', { body: { name: evil('g').slice(0, 80) } });
    const person = await call('POST', '/api/now/table/sys_user', { body: { user_name: 'evil', name: evil('person') } });
    const idOf = (reply: { result: unknown }) =>
      typeof reply.result === 'object' && reply.result !== null && 'sys_id' in reply.result
        ? String(reply.result.sys_id)
        : '';
    const sysId = await create({
      short_description: evil('short'),
      description: evil('long'),
      category: evil('c').slice(0, 40),
      cmdb_ci: idOf(item),
      assignment_group: idOf(group),
      assigned_to: idOf(person),
      caller_id: idOf(person),
      correlation_id: evil('correlation').slice(0, 100),
      work_notes: evil('work note'),
      comments: evil('comment'),
    });
    await call('PATCH', `${incidents}/${sysId}`, {
      body: { state: '6', close_code: evil('code').slice(0, 40), close_notes: evil('close notes') },
    });
    const name = encodeURIComponent('<img src=x onerror=alert(1)>.svg');
    await call('POST', `/api/now/attachment/file?table_name=incident&table_sys_id=${sysId}&file_name=${name}`, {
      body: '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>parent.hacked="svg"</script></svg>',
      headers: { 'content-type': 'image/svg+xml' },
    });
    const { page, complaints } = await open(
      `/?${new URLSearchParams({ sysparm_query: `numberLIKEINC^short_descriptionLIKE<script>` })}`,
    );
    await page.getByText('Short description contains <script>').waitFor();
    await row(page, '<script>window.hacked="short"</script>').waitFor();
    await page.getByRole('link', { name: 'INC0010001' }).click();
    await page.locator('.work-note', { hasText: '<script>window.hacked="work note"</script>' }).waitFor();
    await page.locator('.comment', { hasText: '<script>window.hacked="comment"</script>' }).waitFor();
    expect(await page.getByLabel('Description', { exact: true }).inputValue()).toBe(evil('long'));
    await page.getByRole('tab', { name: /Related/ }).click();
    await page.getByText('<script>window.hacked="correlation"').waitFor();
    await page.getByRole('tab', { name: /Resolution/ }).click();
    await page.getByText('<script>window.hacked="close notes"</script>').waitFor();
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(complaints).toEqual([]);
  });

  test('everything is reached by keys: the list moves, opens, and takes back', async () => {
    for (const short_description of ['one', 'two', 'three']) await create({ short_description });
    const { page } = await open();
    await row(page, 'three').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'INC0010002' }).waitFor();
    expect(new URL(page.url()).pathname).toMatch(/^\/incident\/[0-9a-f]{32}$/);
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: 'Incidents' }).waitFor();
    // Back where one was.
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('INC0010002');
    await page.keyboard.press('/');
    await page.keyboard.type('thr');
    await page.keyboard.press('Enter');
    await row(page, 'one').waitFor({ state: 'detached' });
    expect(await page.getByRole('row').count()).toBe(2);
  });

  test('the filter is an encoded query: shown, edited, sorted, paged, and kept in the address', async () => {
    for (let n = 1; n <= 25; n += 1) await create({ short_description: `row ${n}`, urgency: n === 7 ? '1' : '3' });
    const { page } = await open();
    await page.getByText('1 to 20 of 25').waitFor();
    await page.getByRole('button', { name: 'Next page' }).click();
    await page.getByText('21 to 25 of 25').waitFor();
    await page.getByRole('columnheader', { name: 'Priority' }).getByRole('button').click();
    await expect.poll(() => page.getByRole('row').nth(1).textContent()).toContain('row 7');
    expect(await page.getByRole('columnheader', { name: 'Priority' }).getAttribute('aria-sort')).toBe('ascending');
    await press(page, 'Edit filter');
    await page.getByLabel('Encoded query').fill('urgency=1^active=true');
    await press(page, 'Run');
    await page.getByText('1 to 1 of 1').waitFor();
    await page.getByRole('button', { name: 'Remove: Urgency = 1 - High' }).click();
    await page.getByText('of 25').waitFor();
    await page.goBack();
    await page.getByText('1 to 1 of 1').waitFor();
    expect(new URL(page.url()).searchParams.get('sysparm_query')).toBe('urgency=1^active=true');
  });

  test('links of an instance, numbers and sys_ids lead to the incident; a wrong one says so', async () => {
    const sysId = await create({ short_description: 'linked' });
    const { page } = await open(`/nav_to.do?uri=incident.do?sys_id=${sysId}`);
    await page.getByRole('heading', { name: 'INC0010001' }).waitFor();
    await page.goto(`${serviceNow.url}/incident/INC0010001`);
    await page.getByRole('heading', { name: 'INC0010001' }).waitFor();
    await page.goto(`${serviceNow.url}/incident/INC7`);
    await page.getByText('There is no incident INC7').waitFor();
  });

  test('a chart stands in the stream and on top; the fault in force is shown and goes', async () => {
    const sysId = await create({ short_description: 'with a chart' });
    await call('POST', `/api/now/attachment/file?table_name=incident&table_sys_id=${sysId}&file_name=breach.png`, {
      body: png,
      headers: { 'content-type': 'image/png' },
    });
    const { page } = await open(`/incident/${sysId}`);
    const image = page.getByRole('img', { name: 'breach.png' });
    await image.waitFor();
    expect(await image.evaluate((element: { naturalWidth?: number }) => element.naturalWidth)).toBe(1);
    await page.getByRole('region', { name: 'Attachments' }).getByRole('link', { name: 'breach.png' }).waitFor();
    serviceNow.faults.add({ kind: 'hibernate' });
    await page.getByText('The instance hibernates').waitFor();
    serviceNow.faults.clear();
    await page.getByText('The instance hibernates').waitFor({ state: 'detached' });
  });

  test('a logout asks for the password again, and keeps no password in the page', async () => {
    const { page } = await open();
    const html = await page.content();
    expect(html).not.toContain(serviceNow.credentials.password);
    expect(await page.evaluate('JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])')).toBe(
      '[{},{},""]',
    );
    await press(page, 'Log out');
    await page.getByLabel('User name').waitFor();
    await page.reload();
    await page.getByLabel('User name').waitFor();
  });

  test.each([
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['on a phone', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
  ] as const)('nothing serious stands in the way of people with disabilities, %s', async (_, options) => {
    const sysId = await create({ short_description: 'hot', work_notes: 'a note', comments: 'a comment', impact: '1' });
    serviceNow.faults.add({ kind: 'hibernate', count: 1, match: { table: 'none' } });
    const { page } = await open('/', options);
    await page.getByText('hot').waitFor();
    expect(await seriousAccessibilityProblems(page)).toEqual([]);
    if ('isMobile' in options) {
      // Nothing is wider than the screen.
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    }
    await page.goto(`${serviceNow.url}/incident/${sysId}`);
    await page.getByText('a comment', { exact: true }).waitFor();
    expect(await seriousAccessibilityProblems(page)).toEqual([]);
    if ('isMobile' in options)
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    await press(page, 'Resolve');
    await page.getByRole('dialog').waitFor();
    expect(await seriousAccessibilityProblems(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await press(page, 'Log out');
    await page.getByLabel('Password').waitFor();
    expect(await seriousAccessibilityProblems(page)).toEqual([]);
  });
});
