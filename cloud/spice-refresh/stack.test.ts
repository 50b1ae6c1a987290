import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { describeRoom, type SynthesisedRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { rights } from './rights.ts';
import { wildcards } from './wildcards.ts';

const room = 'spice-refresh';
describeRoom(room, { rights, wildcards });

describe(room, () => {
  const built = new Map<'local' | 'prod', SynthesisedRoom>();

  beforeAll(async () => {
    for (const stage of ['local', 'prod'] as const) built.set(stage, await synthesiseRoom(room, stage));
  }, 120_000);

  const resources = (type: string, stage: 'local' | 'prod' = 'prod') =>
    [...(built.get(stage)?.stacks.values() ?? [])].flat().filter(({ Type }) => Type === type);
  const patterns = (stage: 'local' | 'prod') =>
    resources('AWS::Events::Rule', stage).map(({ path, Properties }) => [path, Properties['EventPattern']]);

  test('synth: Glue says which runs ended well, and which of the room did not; the local account under another source', () => {
    const type = { 'detail-type': ['Glue Job State Change'] };
    const failed = { jobName: ['TaxiTransformationGlueJob'], state: ['FAILED', 'TIMEOUT', 'STOPPED'] };
    expect(patterns('prod')).toEqual([
      ['JobEnded', { source: ['aws.glue'], ...type, detail: { state: ['SUCCEEDED'] } }],
      ['JobFailed', { source: ['aws.glue'], ...type, detail: failed }],
    ]);
    expect(patterns('local')).toEqual([
      ['JobEnded', { source: ['aws.glue', 'greengrass-itsm.glue'], ...type, detail: { state: ['SUCCEEDED'] } }],
      ['JobFailed', { source: ['aws.glue', 'greengrass-itsm.glue'], ...type, detail: failed }],
    ]);
  });

  test('synth: an end of a run that its queue does not take lies in a queue too', () => {
    const targets = z.object({ Targets: z.array(z.object({ DeadLetterConfig: z.unknown() })) });
    for (const { Properties } of resources('AWS::Events::Rule')) {
      expect(targets.parse(Properties).Targets).toMatchObject([
        { DeadLetterConfig: { Arn: { 'Fn::GetAtt': [expect.stringMatching('^Undelivered'), 'Arn'] } } },
      ]);
    }
  });

  test('synth: the job is a Python shell that runs once at a time, and on AWS is told of no keys', () => {
    const [job] = resources('AWS::Glue::Job');
    expect(job?.Properties).toMatchObject({
      Name: 'TaxiTransformationGlueJob',
      Command: { Name: 'pythonshell', ScriptLocation: expect.anything() },
      ExecutionProperty: { MaxConcurrentRuns: 1 },
      MaxRetries: 0,
    });
    expect(JSON.stringify(job)).not.toContain('AWS_');
  });

  test('synth: its script is at most 40 lines around transform.sql', () => {
    const script = readFileSync(new URL('./transform.py', import.meta.url), 'utf8');
    expect(script.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
  });
});
