import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { stageOf } from '../stages.ts';
import { describeRoom, type SynthesisedRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { rights } from './rights.ts';
import { missingBinaries, SharpLayer, writeSharpLayer } from './sharp-layer.ts';
import { wildcards } from './wildcards.ts';

const room = 'storage-options';
describeRoom(room, { rights, wildcards });

describe(room, () => {
  let prod: SynthesisedRoom;

  beforeAll(async () => {
    prod = await synthesiseRoom(room, 'prod');
  }, 120_000);

  const named = (type: string) => [...prod.stacks.values()].flat().filter(({ Type }) => Type === type);
  const one = (type: string, path: string) => named(type).find((resource) => resource.path === path)?.Properties;

  test('synth: originals end after 30 days, and what is shown when raw data does', () => {
    const days = (path: string) =>
      z
        .object({ LifecycleConfiguration: z.object({ Rules: z.array(z.object({ ExpirationInDays: z.int() })) }) })
        .parse(one('AWS::S3::Bucket', path)).LifecycleConfiguration.Rules;
    expect(days('Uploads/Objects')).toEqual([{ ExpirationInDays: 30 }]);
    expect(days('Pictures/Objects')).toEqual([{ ExpirationInDays: 400 }]);
  });

  test('synth: each upload starts the workflow, and what could not be started is kept', () => {
    expect(one('AWS::S3::Bucket', 'Uploads/Objects')).toMatchObject({
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    });
    expect(one('AWS::Events::Rule', 'Workflow/Uploaded')).toMatchObject({
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: { object: { key: [{ prefix: 'originals/' }] } },
      },
      Targets: [{ DeadLetterConfig: {}, RetryPolicy: { MaximumEventAgeInSeconds: 21_600 } }],
    });
  });

  test('synth: each state is tried again, and what fails for good is told (throttle)', () => {
    const pieces = z
      .object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) })
      .parse(named('AWS::StepFunctions::StateMachine')[0]?.Properties['DefinitionString'])['Fn::Join'][1];
    const definition: unknown = JSON.parse(
      pieces.map((piece) => (typeof piece === 'string' ? piece : 'reference')).join(''),
    );
    const Retry = [
      { ErrorEquals: ['States.ALL'], IntervalSeconds: 5, MaxAttempts: 5, BackoffRate: 2, JitterStrategy: 'FULL' },
    ];
    expect(definition).toMatchObject({
      StartAt: 'Validate',
      States: {
        Validate: { Retry },
        Resize: {
          // Without those of a function that ran out of time: S3 may have hung.
          Retry: [{ ErrorEquals: ['Runtime.ExitError', 'Runtime.OutOfMemory'], MaxAttempts: 1 }, ...Retry],
          Catch: [{ Next: 'Ended', ErrorEquals: ['Runtime.ExitError', 'Runtime.OutOfMemory'] }],
        },
        Publish: { Retry },
        RecordFailure: { Retry },
      },
    });
    expect(named('AWS::CloudWatch::Alarm').map(({ path }) => path)).toEqual(
      expect.arrayContaining(['Workflow/Failed', 'Workflow/TimedOut', 'Workflow/NotStarted/Depth']),
    );
  });

  test('synth: the sizes are those of the post: 2,056 MB to resize; /tmp has what Unzip keeps', () => {
    expect(one('AWS::Lambda::Function', 'Resize')).toMatchObject({ MemorySize: 2_056, Layers: [expect.anything()] });
    expect(one('AWS::Lambda::Function', 'Unzip')).toMatchObject({ EphemeralStorage: { Size: 1_024 } });
  });

  test('synth: the function with the file system reaches it and nothing else', () => {
    expect(one('AWS::Lambda::Function', 'Log/Append')).toMatchObject({
      FileSystemConfigs: [{ LocalMountPath: '/mnt/log' }],
      VpcConfig: { SecurityGroupIds: [expect.anything()] },
    });
    expect(named('AWS::EC2::NatGateway')).toEqual([]);
    expect(named('AWS::EC2::InternetGateway')).toEqual([]);
    expect(one('AWS::EC2::SecurityGroup', 'Log/Appending')).toMatchObject({
      SecurityGroupEgress: [{ CidrIp: '10.90.0.0/24', FromPort: 2_049, ToPort: 2_049 }],
    });
    expect(one('AWS::EFS::FileSystem', 'Log/Files')).toMatchObject({ Encrypted: true, ThroughputMode: 'elastic' });
    expect(one('AWS::EFS::AccessPoint', 'Log/AccessPoint')).toMatchObject({ RootDirectory: { Path: '/log' } });
  });

  const own = process.arch === 'arm64' ? 'arm64' : 'x64';

  test('synth: the layer is all that sharp needs', () => {
    const folder = mkdtempSync(join(tmpdir(), 'greengrass-itsm-layer-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    expect(writeSharpLayer(folder, own)).toEqual([]);
    const code = `require('sharp')({create:{width:9,height:9,channels:3,background:'red'}}).jpeg().toBuffer().then(b=>console.log(b.length>99, require.resolve('sharp')))`;
    const env = { NODE_PATH: join(folder, 'nodejs', 'node_modules') };
    const said = execFileSync(process.execPath, ['-e', code], { cwd: folder, env, encoding: 'utf8' });
    expect(said.trim()).toBe(`true ${join(folder, 'nodejs/node_modules/sharp/dist/index.cjs')}`);
  });

  test.each(['arm64', 'x64'] as const)(
    'synth: without native code for %s a deploy is refused, with the command',
    (name) => {
      const folder = mkdtempSync(join(tmpdir(), 'greengrass-itsm-layer-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const stack = new Stack(new App({ outdir: folder }), 'Layer');
      const architecture = name === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64;
      new SharpLayer(stack, 'Sharp', { stage: { ...stageOf('prod'), architecture } });
      const { Rules } = z.looseObject({ Rules: z.unknown().optional() }).parse(Template.fromStack(stack).toJSON());
      const missing = missingBinaries(name);
      if (name === own) expect(missing).toEqual([]);
      const said = JSON.stringify(Rules);
      if (missing.length === 0) expect(said).not.toContain('npm install');
      else expect(said).toMatch(new RegExp(`npm install --no-save --force ${missing[0]}@\\d`));
    },
  );
});
