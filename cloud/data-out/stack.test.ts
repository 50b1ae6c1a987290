import { App, Stack } from 'aws-cdk-lib';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { stageOf } from '../stages.ts';
import { describeRoom, type SynthesisedRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { readingsCsv } from './contract.ts';
import { processorMb } from './cost-model.ts';
import { retryDelaySeconds } from './deliver.ts';
import { rights } from './rights.ts';
import { DataOutStack } from './stack.ts';
import { wildcards } from './wildcards.ts';

const room = 'data-out';
describeRoom(room, { rights, wildcards });

describe(room, () => {
  let prod: SynthesisedRoom;
  const ofType = (type: string) =>
    [...prod.stacks.values()].flat().flatMap(({ Type, Properties }) => (Type === type ? [Properties] : []));

  beforeAll(async () => {
    prod = await synthesiseRoom(room, 'prod');
  }, 120_000);

  test('synth: a destination gets no more slices at a time than it bears, one in a call', () => {
    const sources = ofType('AWS::Lambda::EventSourceMapping');
    expect(sources.filter(({ BatchSize }) => BatchSize === 1)).toMatchObject([
      { ScalingConfig: { MaximumConcurrency: 10 }, FunctionResponseTypes: ['ReportBatchItemFailures'] },
      { ScalingConfig: { MaximumConcurrency: 10 }, FunctionResponseTypes: ['ReportBatchItemFailures'] },
      { ScalingConfig: { MaximumConcurrency: 5 }, FunctionResponseTypes: ['ReportBatchItemFailures'] },
    ]);
  });

  test('synth: the function that delivers has one processor, as the model says', () => {
    expect(ofType('AWS::Lambda::Function').map(({ MemorySize }) => MemorySize)).toContain(processorMb);
  });

  test('synth: an upload that nobody ended is removed after a day, in both buckets', () => {
    for (const { LifecycleConfiguration } of ofType('AWS::S3::Bucket')) {
      expect(JSON.stringify(LifecycleConfiguration)).toContain(
        '"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":1}',
      );
    }
  });

  test('synth: a destination that is away for two hours loses nothing, by the mean of its tries', () => {
    const counts = ofType('AWS::SQS::Queue').map(
      (queue) => z.object({ RedrivePolicy: z.object({ maxReceiveCount: z.number() }) }).safeParse(queue).data,
    );
    const most = Math.max(...counts.map((count) => count?.RedrivePolicy.maxReceiveCount ?? 0));
    const delays = Array.from({ length: most - 1 }, (_, place) => retryDelaySeconds(place + 1, () => 0.5));
    expect(delays.reduce((sum, delay) => sum + delay, 0)).toBeGreaterThan(2 * 3_600);
  });

  test('synth: more destinations than variables of a function can name are refused with a sentence', () => {
    const destinations = Array.from({ length: 8 }, (_, place) => ({ ...readingsCsv, name: `partner-${place}` }));
    const make = () => new DataOutStack(new Stack(new App()), { stage: stageOf('dev'), destinations });
    expect(make).toThrow(/^8 destinations are \d+ bytes of environment variables, of at most 3000/);
  });

  test('synth: slices that are too large, and two destinations of one name, are refused', () => {
    const stack = (props: object) => () => new DataOutStack(new Stack(new App()), { stage: stageOf('dev'), ...props });
    expect(stack({ sliceBytes: 100_000_001 })).toThrow('A slice of 100000001 bytes is none');
    expect(stack({ destinations: [readingsCsv, readingsCsv] })).toThrow('Two destinations have one name');
  });
});
