import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, CfnResource, Stack } from 'aws-cdk-lib';
import { CfnBucket } from 'aws-cdk-lib/aws-s3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createApp } from './app.ts';
import { type Room, rooms } from './rooms.ts';

const folder = import.meta.dirname;

test('every folder with a stack is a room, once, with a row in the README', () => {
  const folders = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'stack.ts')));
  const names = rooms.map(({ name }) => name);
  expect(names.toSorted()).toEqual(folders.toSorted());
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  expect(
    [...readme.matchAll(/^\| [^|]+ \| \[([a-z-]+)\]\(\1\/README\.md\) \|/gm)].map(([, name]) => name).toSorted(),
  ).toEqual(names.toSorted());
});

test('no client of AWS waits for ever: what only warns of a time-out is told to end the request', () => {
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(lambda|aws)\.ts$/.test(name),
  );
  const waits = sources.filter((name) =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(/\brequestTimeout:[^}]*}/g)].some(
      ([options]) => !options.includes('throwOnRequestTimeout: true'),
    ),
  );
  expect(sources.length).toBeGreaterThan(20);
  expect(waits).toEqual([]);
});

describe('an app', () => {
  const roomWith = (build: (stack: Stack) => void): Room => ({
    name: 'a-room',
    create: async (app: App) => {
      const stack = new Stack(app, 'ARoom');
      build(stack);
      return stack;
    },
    fixedMonthlyUsd: 0,
  });
  const synthesised = async (build: (stack: Stack) => void) => {
    const outdir = mkdtempSync(join(tmpdir(), 'greengrass-itsm-rooms-'));
    onTestFinished(() => rmSync(outdir, { recursive: true }));
    return (await createApp({ stage: 'prod', rooms: [roomWith(build)], outdir })).app.synth();
  };

  test('is not synthesised with a property that CloudFormation does not know', async () => {
    const wrong = synthesised(
      (stack) => new CfnResource(stack, 'Topic', { type: 'AWS::SNS::Topic', properties: { FifoTopics: true } }),
    );
    await expect(wrong).rejects.toThrow(/[Vv]alidation/);
  }, 60_000);

  test('is not synthesised with what AwsSolutions forbids', async () => {
    const wrong = synthesised((stack) => new CfnBucket(stack, 'Data'));
    await expect(wrong).rejects.toThrow(/AwsSolutions|[Vv]alidation/);
  }, 60_000);
});
