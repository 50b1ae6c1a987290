import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { describeRoom, type SynthesisedRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { refusals } from './contract.ts';
import { rights } from './rights.ts';
import { wildcards } from './wildcards.ts';

const room = 'content-aggregator';
describeRoom(room, { rights, wildcards });

const pieces = z.object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });
const joined = (value: unknown) =>
  pieces
    .parse(value)
    ['Fn::Join'][1].map((one) => (typeof one === 'string' ? one : 'reference'))
    .join('');

describe(room, () => {
  let prod: SynthesisedRoom;

  beforeAll(async () => {
    prod = await synthesiseRoom(room, 'prod');
  }, 120_000);

  const named = (type: string) => [...prod.stacks.values()].flat().filter(({ Type }) => Type === type);

  test('synth: each feed is looked at every two hours, and a run that cannot start is kept', () => {
    expect(named('AWS::Scheduler::Schedule').map(({ Properties }) => Properties)).toMatchObject([
      {
        ScheduleExpression: 'rate(2 hours)',
        Target: {
          Input: '{"feedUrl":"https://aws.amazon.com/blogs/compute/feed"}',
          DeadLetterConfig: {},
          RetryPolicy: { MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 3_600 },
        },
      },
    ]);
  });

  test('synth: the states are those of the post, each call is tried again, and a post that fails is left out alone', () => {
    const definition: unknown = JSON.parse(
      joined(named('AWS::StepFunctions::StateMachine')[0]?.Properties['DefinitionString']),
    );
    const Retry = [
      { ErrorEquals: [...refusals, 'ZodError'], MaxAttempts: 0 },
      { ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 2, BackoffRate: 2, MaxAttempts: 3 },
    ];
    const Catch = [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Ignore Failed' }];
    expect(definition).toMatchObject({
      StartAt: 'getnewBlogs',
      TimeoutSeconds: 1_800,
      States: {
        getnewBlogs: { Retry, ResultPath: '$.RSSBlogs', Next: 'Get Repo Contents' },
        'Get Repo Contents': { Retry, ResultPath: '$.RepoBlogs', Next: 'forEachBlog' },
        forEachBlog: {
          ItemsPath: '$.RSSBlogs.urls',
          ItemSelector: { 'BlogUrl.$': '$$.Map.Item.Value', 'RepoBlogs.$': '$.RepoBlogs' },
          MaxConcurrency: 5,
          ResultPath: '$.mapResults',
          ItemProcessor: {
            ProcessorConfig: { Mode: 'INLINE' },
            StartAt: 'getMeta',
            States: {
              getMeta: { Retry, Catch, InputPath: '$.BlogUrl', ResultPath: '$.BlogMeta' },
              'Is It A Post ?': {
                Choices: [{ Variable: '$.BlogMeta.refused', IsPresent: true, Next: 'Ignore Refused' }],
                Default: 'Compare Against Repo',
              },
              'Compare Against Repo': { Retry, Catch, ResultPath: '$.decision' },
              'Decide if Exist ?': {
                Choices: [
                  { Variable: '$.decision.exist', NumericEquals: 0, Next: 'Add To List' },
                  { Variable: '$.decision.exist', NumericEquals: 1, Next: 'Ignore' },
                ],
                Default: 'Ignore',
              },
              'Add To List': { Retry, Catch },
            },
          },
        },
        // What it does not put out, no state after it has.
        'Sum Up': { Output: { contentSha: '{% $states.input.RepoBlogs.sha %}' } },
        'Anything New ?': {
          Choices: [
            { Variable: '$.added', NumericGreaterThan: 0, Next: 'SaveToGitHub' },
            { Next: 'Every Post Failed' },
          ],
          Default: 'Last Commit',
        },
        'Last Commit': { Retry, ResultPath: '$.saved', Parameters: { 'contentSha.$': '$.contentSha' } },
        'Was It Told ?': {
          Choices: [{ Variable: '$.saved.commitSha', IsPresent: true, Next: 'Tell The Site' }],
          Default: 'Nothing New',
        },
        'Note It Was Told': { Retry, Parameters: { 'toldSha.$': '$.saved.commitSha' }, Next: 'Saved' },
        SaveToGitHub: { Retry, ResultPath: '$.saved', Next: 'Tell The Site' },
        'Tell The Site': { Resource: expect.stringContaining(':states:::events:putEvents'), Next: 'Note It Was Told' },
      },
    });
  });

  test('synth: only the hosts of the feeds are asked, and the token is in no template', () => {
    const environments = named('AWS::Lambda::Function').map(({ Properties }) =>
      JSON.stringify(Properties['Environment']),
    );
    expect(environments.filter((one) => one.includes('"ALLOWED_HOSTS":"aws.amazon.com"'))).toHaveLength(2);
    expect(environments.filter((one) => one.includes('"TOKEN_PARAMETER":"/GitHubAPIKey"'))).toHaveLength(2);
    expect(named('AWS::SSM::Parameter')).toEqual([]);
  });
});
