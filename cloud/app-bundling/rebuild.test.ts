import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ParkedRecord } from '../shared/parked-record.ts';
import { AwsFault, type AwsRequest, fakeAws } from '../testing/fake-aws.ts';
import { createBuilds } from './builds.aws.ts';
import type { CommitMessage } from './contract.ts';
import { planRebuild, rebuildSite } from './rebuild.ts';

const repository = 'owner/site';
const sha = (digit: string) => digit.repeat(40);

function commit(messageId: string, change: object = {}, detail: object = {}): CommitMessage {
  const event = {
    source: 'greengrass-itsm.content',
    'detail-type': 'ContentCommitted',
    detail: { repo: repository, path: 'content/one.md', commitSha: sha('a'), ...detail },
    ...change,
  };
  return { messageId, body: JSON.stringify(event) };
}
const poison = { messageId: 'p', body: 'hello' };

function stage(answer: () => string = () => 'site:1') {
  const parked: ParkedRecord[] = [];
  const tokens: string[] = [];
  const ports = {
    parking: { park: async (records: readonly ParkedRecord[]) => void parked.push(...records) },
    builds: {
      start: async (token: string) => {
        tokens.push(token);
        return answer();
      },
    },
  };
  return { parked, tokens, ports };
}

describe('a rebuild of the site', () => {
  test('what is no event of a commit is parked, and one build starts for the rest (poison)', async () => {
    const { parked, tokens, ports } = stage();
    const done = await rebuildSite([commit('1'), poison, commit('2', {}, { commitSha: sha('b') })], repository, ports);
    expect(done).toMatchObject({ build: 'site:1', batchItemFailures: [] });
    expect(parked).toMatchObject([{ id: 'p', reason: 'not-json' }]);
    expect(Buffer.from(parked[0]?.bytes ?? []).toString()).toBe('hello');
    expect(tokens).toHaveLength(1);
  });

  test('a commit that is told twice is one build, under one token (duplicate)', async () => {
    const { tokens, ports } = stage();
    await rebuildSite([commit('1'), commit('2')], repository, ports);
    await rebuildSite([commit('3')], repository, ports);
    expect(tokens).toHaveLength(2);
    expect(new Set(tokens).size).toBe(1);
    await rebuildSite([commit('4', {}, { commitSha: sha('b') })], repository, ports);
    expect(new Set(tokens).size).toBe(2);
  });

  test('while a build runs no other starts, and its commits come again (throttle)', async () => {
    const { ports } = stage(() => {
      throw new Error('another build is running');
    });
    const { build, error, batchItemFailures } = await rebuildSite([commit('1'), commit('2')], repository, ports);
    expect(build).toBeUndefined();
    expect(error).toMatchObject({ message: 'another build is running' });
    expect(batchItemFailures).toEqual([{ itemIdentifier: '1' }, { itemIdentifier: '2' }]);
  });

  test('of a batch whose build does not start only the commits come again (partial failure)', async () => {
    const { parked, ports } = stage(() => {
      throw new Error('no');
    });
    const other = commit('3', {}, { repo: 'owner/other' });
    const done = await rebuildSite([commit('1'), poison, other], repository, ports);
    expect(done).toMatchObject({ dropped: 1, batchItemFailures: [{ itemIdentifier: '1' }] });
    expect(parked).toHaveLength(1);
  });

  test('what cannot be parked is not done: the batch fails, and no build starts', async () => {
    const { tokens, ports } = stage();
    const parking = {
      park: async () => {
        throw new Error('no queue');
      },
    };
    await expect(rebuildSite([commit('1'), poison], repository, { ...ports, parking })).rejects.toThrow('no queue');
    expect(tokens).toEqual([]);
  });

  test.each([
    ['another source', { source: 'somebody' }],
    ['another type', { 'detail-type': 'ContentRemoved' }],
    ['no detail', { detail: {} }],
    ['a repository that is none', { detail: { repo: '../..', path: 'a', commitSha: sha('a') } }],
    ['a digest that is none', { detail: { repo: repository, path: 'a', commitSha: 'main; rm' } }],
  ])('an event with %s is parked (bad schema)', (_, change) => {
    const { wanted, parked } = planRebuild([commit('1', change)], repository);
    expect(wanted).toEqual([]);
    expect(parked).toMatchObject([{ id: '1', reason: 'bad-schema' }]);
  });

  test('names of repositories are compared as GitHub does, without case', () => {
    expect(planRebuild([commit('1', {}, { repo: 'Owner/Site' })], repository).wanted).toHaveLength(1);
  });

  test('of any messages each is wanted, dropped or parked, and the token knows no order', () => {
    const message = fc.oneof(
      fc.string().map((body) => ({ messageId: 'x', body })),
      fc.constantFrom('a', 'b', 'c').map((digit) => commit('y', {}, { commitSha: sha(digit) })),
      fc.constant(commit('z', {}, { repo: 'owner/other' })),
    );
    fc.assert(
      fc.property(fc.array(message), (messages) => {
        const { wanted, dropped, parked, token } = planRebuild(messages, repository);
        expect(wanted.length + dropped + parked.length).toBe(messages.length);
        expect(planRebuild(messages.toReversed(), repository).token).toBe(token);
      }),
    );
  });
});

describe('builds', () => {
  const builds = (answer: (request: AwsRequest) => unknown) =>
    createBuilds(new CodeBuildClient(fakeAws(answer)), 'site');

  test('a start names project and token', async () => {
    const asked: AwsRequest[] = [];
    const start = builds((request) => {
      asked.push(request);
      return { build: { id: 'site:1' } };
    });
    expect(await start.start('token')).toBe('site:1');
    expect(asked).toEqual([{ operation: 'StartBuild', input: { projectName: 'site', idempotencyToken: 'token' } }]);
  });

  test('a refusal and an empty answer throw', async () => {
    const refusing = builds(() => {
      throw new AwsFault('AccountLimitExceededException');
    });
    await expect(refusing.start('token')).rejects.toThrow('AccountLimitExceededException');
    await expect(builds(() => ({})).start('token')).rejects.toThrow('started no build of site');
  });
});
