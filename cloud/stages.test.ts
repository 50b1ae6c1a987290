import { RemovalPolicy } from 'aws-cdk-lib';
import { expect, test } from 'vitest';
import { stageName, stageOf } from './stages.ts';

test('only production keeps its data and refuses to delete it', () => {
  const kept = stageName.options.map((name) => [name, stageOf(name).removalPolicy, stageOf(name).deletionProtection]);
  expect(kept).toEqual([
    ['local', RemovalPolicy.DESTROY, false],
    ['dev', RemovalPolicy.DESTROY, false],
    ['prod', RemovalPolicy.RETAIN, true],
  ]);
});

test('only production pays for a standby', () => {
  expect(stageName.options.filter((name) => stageOf(name).standby)).toEqual(['prod']);
});

test('what goes to AWS runs on arm64, and parked messages wait as long as a queue can hold them', () => {
  for (const name of ['dev', 'prod'] as const) {
    expect(stageOf(name).architecture.name).toBe('arm64');
    expect(stageOf(name).restingMessageDays).toBe(14);
  }
});
