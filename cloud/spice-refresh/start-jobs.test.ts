import { describe, expect, test } from 'vitest';
import { isRawFile, type Started, startJobs } from './start-jobs.ts';

const upload = (...objects: { key: string; size?: number }[]) =>
  JSON.stringify({ Records: objects.map(({ key, size = 10 }) => ({ s3: { object: { key, size } } })) });

function world(start: (key: string) => Started = () => 'started') {
  const started: string[] = [];
  const jobs = {
    async start(key: string) {
      const answer = start(key);
      if (answer === 'started') started.push(key);
      return answer;
    },
  };
  return { started, ports: { jobs, parking: { park: async () => {} } } };
}

const messages = (...bodies: string[]) => bodies.map((body, place) => ({ messageId: `m${place}`, body }));

describe('uploads', () => {
  test('start a run each, their names decoded', async () => {
    const { started, ports } = world();
    await startJobs(messages(upload({ key: 'raw/year%3D2026/a+b.csv' }, { key: 'raw/c.CSV' })), ports);
    expect(started).toEqual(['raw/year=2026/a b.csv', 'raw/c.CSV']);
  });

  test.each([
    ['raw/a.csv', 1, true],
    ['raw/deep/a.CSV', 1, true],
    ['raw/a.csv', 0, false],
    ['raw/', 0, false],
    ['raw/a.csv.gz', 1, false],
    ['raw/.a.csv', 1, false],
    ['raw/_temporary.csv', 1, false],
    ['raw/~a.csv', 1, false],
    ['other/a.csv', 1, false],
  ])('%s of %i bytes: raw file is %s', (key, size, expected) => {
    expect(isRawFile(key, size)).toBe(expected);
  });

  test('that are none are ignored, and so is the test event of S3', async () => {
    const { started, ports } = world();
    const batch = await startJobs(messages(upload({ key: 'raw/a.txt' }), '{"Event":"s3:TestEvent"}'), ports);
    expect(batch).toMatchObject({ started: 0, ignored: ['raw/a.txt'], parked: [], batchItemFailures: [] });
    expect(started).toEqual([]);
  });

  test('while the job runs wait for their turn, and that is no error', async () => {
    const { started, ports } = world((key) => (key.includes('b') ? 'busy' : 'started'));
    const batch = await startJobs(messages(upload({ key: 'raw/a.csv' }), upload({ key: 'raw/b.csv' })), ports);
    expect(batch).toMatchObject({ started: 1, batchItemFailures: [{ itemIdentifier: 'm1' }], errors: [] });
    expect(started).toEqual(['raw/a.csv']);
  });

  test('whose job cannot be started come again, and the error is told', async () => {
    const { ports } = world(() => {
      throw new Error('AccessDenied');
    });
    const batch = await startJobs(messages(upload({ key: 'raw/a.csv' })), ports);
    expect(batch).toMatchObject({ batchItemFailures: [{ itemIdentifier: 'm0' }], errors: [new Error('AccessDenied')] });
  });

  test.each([
    ['hello', 'not-json'],
    ['{"Records":[]}', 'bad-schema'],
    [upload({ key: 'raw/100%.csv' }), 'bad-schema'],
  ])('that S3 did not tell of are parked: %s', async (body, reason) => {
    const batch = await startJobs(messages(body), world().ports);
    expect(batch.parked).toMatchObject([{ id: 'm0', reason, bytes: Buffer.from(body) }]);
    expect(batch.batchItemFailures).toEqual([]);
  });
});
