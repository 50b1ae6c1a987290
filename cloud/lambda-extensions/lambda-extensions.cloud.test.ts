import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AppConfigClient,
  CreateHostedConfigurationVersionCommand,
  GetDeploymentCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-appconfig';
import { IAMClient, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { account, client, type Keys } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { eventually } from '../testing/eventually.ts';
import { output } from '../testing/outputs.ts';
import { assumeRole, statementsOf, withoutStatement } from '../testing/roles.ts';
import { signedHttp } from '../testing/signed-request.ts';
import { defaultSettings, type Settings } from './contract.ts';
import { rights } from './rights.ts';
import {
  type EnvironmentOptions,
  type ExecutionEnvironment,
  freePort,
  startEnvironment,
} from './test-execution-environment.ts';

const stack = 'LambdaExtensionsStack';
const secretName = 'extensions-demo-creds';
const password = 'a-password-that-no-log-may-hold';
const secretValue = JSON.stringify({ user: 'integration', password });
const event = { hello: 'world' };
/** The post's seconds, for a test. */
const short = { EXTENSION_INIT_SECONDS: '0.1', EXTENSION_WORK_SECONDS: '0.6', EXTENSION_SHUTDOWN_SECONDS: '0.1' };

/** An environment that ends with its test. */
async function start(options: EnvironmentOptions): Promise<ExecutionEnvironment> {
  const environment = await startEnvironment(options);
  onTestFinished(() => environment.stop());
  return environment;
}

const startDemo = (options: Partial<EnvironmentOptions> = {}) =>
  start({ functionName: output(stack, 'DemoName'), variables: short, ...options });

/** The role's own keys, which Lambda would give to the environment: here the role has to trust the account as well. */
async function keysOf(role: string): Promise<Keys> {
  const arn = `arn:aws:iam::${account.id}:root`;
  const Principal = { Service: 'lambda.amazonaws.com', AWS: arn };
  const PolicyDocument = JSON.stringify({
    ...{ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal, Action: 'sts:AssumeRole' }] },
  });
  await client(IAMClient).send(new UpdateAssumeRolePolicyCommand({ RoleName: role, PolicyDocument }));
  return assumeRole(`arn:aws:iam::${account.id}:role/${role}`);
}

async function putSecret(SecretString: string): Promise<void> {
  const secrets = client(SecretsManagerClient);
  await secrets
    .send(new CreateSecretCommand({ Name: secretName, SecretString }))
    .catch(() => secrets.send(new PutSecretValueCommand({ SecretId: secretName, SecretString })));
}

async function invoked(name: string, payload: unknown): Promise<unknown> {
  const { Payload } = await client(LambdaClient).send(
    new InvokeCommand({ FunctionName: output(stack, name), Payload: JSON.stringify(payload) }),
  );
  return JSON.parse(Buffer.from(Payload ?? []).toString());
}

/** Lines with a time of their own, in its order: what runtime, function and extension said, and the emulator's report. */
function told(log: string): string[] {
  let last = 0n;
  const lines = log.split('\n').map((line) => {
    const own = /^(\d{19}) (.*)$/.exec(line);
    const emulator = /^(\d+ \w+ \d{4} \d{2}:\d{2}:\d{2}),(\d{3}) /.exec(line);
    if (own !== null) return { at: BigInt(own[1] ?? 0), text: own[2] ?? '' };
    if (emulator !== null) last = BigInt(Date.parse(`${emulator[1]} UTC`) + Number(emulator[2])) * 1_000_000n;
    return { at: last, text: line };
  });
  return lines.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).map(({ text }) => text);
}

describe.runIf(account.isLocal)('lambda-extensions', () => {
  const keys = new Map<string, Keys>();
  const keysFor = (role: string) => keys.get(role) ?? { accessKeyId: '', secretAccessKey: '' };

  beforeAll(async () => {
    await putSecret(secretValue);
    for (const role of ['ShowSecretRoleName', 'Settings1RoleName', 'Settings2RoleName']) {
      keys.set(role, await keysOf(output(stack, role)));
    }
  });

  test('triggered: the eleven steps of the post come in their order [aws-lambda-rie]', async () => {
    const demo = await startDemo();
    expect((await demo.invoke(event)).answer).toEqual({ event });
    await demo.stop();
    const lines = told(demo.log());
    const steps: [number, RegExp][] = [
      [1, /^\[extension1\.sh\] step 1: starts/],
      // What the environment heard: the extension itself says so a moment later, when the runtime has started already.
      [1, /\(rapid\) API request - POST \/2020-01-01\/extension\/register/],
      [2, /^\[runtime\] step 2: initialises/],
      [3, /^\[runtime\] step 3: asks for the next invocation/],
      [4, /^\[runtime\] step 4: receives invocation/],
      [5, /^\[runtime\] step 5: calls the handler/],
      [5, /^\[function\] step 5: runs/],
      [6, /^\[runtime\] step 6: has sent what the handler answered/],
      [7, /^\[runtime\] step 7: asks for the next invocation/],
      [8, /^\[extension1\.sh\] step 8: has done its work/],
      [8, /^\[extension1\.sh\] step 8: asks for the next event/],
      [9, /^REPORT RequestId: /],
      [10, /^\[runtime\] step 10: is told to shut down/],
      [11, /^\[extension1\.sh\] step 11: receives SHUTDOWN/],
      [11, /^\[extension1\.sh\] step 11: ends/],
    ];
    const places = steps.map(([, line]) => lines.findIndex((one) => line.test(one)));
    expect(places, lines.join('\n')).not.toContain(-1);
    expect(places, lines.join('\n')).toEqual(places.toSorted((a, b) => a - b));
    // Steps 3 and 4 are the extension's too, at the same time as the runtime's.
    const place = (text: string) => lines.findIndex((line) => line.startsWith(`[extension1.sh] ${text}`));
    expect(place('step 1: is registered')).toBeLessThan(place('step 3: asks for the next event'));
    expect(place('step 3: asks for the next event')).toBeLessThan(place('step 4: receives INVOKE'));
    expect(place('step 4: receives INVOKE')).toBeLessThan(place('step 8: has done its work'));
  });

  test('effect: a slow extension delays the answer, long after the function gave it [aws-lambda-rie]', async () => {
    const demo = await startDemo();
    await demo.invoke(event);
    // The second is warm: no start is in its time.
    const { answer, tookMs } = await demo.invoke(event);
    expect(answer).toEqual({ event });
    expect(tookMs).toBeGreaterThan(600);
    expect(demo.log().match(/step 2: initialises/g)).toHaveLength(1);
  });

  test.each([
    ['ends before it registers', '#!/bin/bash\nexit 3\n'],
    [
      'ends after it has registered',
      '#!/bin/bash\ncurl -sS -X POST "http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension/register" -H "Lambda-Extension-Name: extension2.sh" -d \'{"events":["INVOKE"]}\'\nexit 3\n',
    ],
  ])('effect: an extension that %s fails the start, and no invocation runs [aws-lambda-rie]', async (_, script) => {
    const demo = await startDemo({
      change: ({ opt }) => writeFileSync(join(opt, 'extensions', 'extension2.sh'), script, { mode: 0o755 }),
    });
    expect((await demo.invoke(event)).status).toBe(502);
    expect(demo.log()).toContain('Sending Error Response: Extension.Crash');
    expect(demo.log()).not.toContain('[function] step 5: runs');
  });

  test('effect: extensions are told why the environment ends [aws-lambda-rie]', async () => {
    const reasonOf = ({ log }: ExecutionEnvironment) =>
      /step 11: receives SHUTDOWN \((\w+)\)/.exec(log())?.[1]?.toLowerCase();
    const handledBy = (code: string) => ({
      variables: { ...short, EXTENSION_WORK_SECONDS: '0.1' },
      change: ({ task }: { task: string }) => writeFileSync(join(task, 'function.sh'), `handler() { ${code}; }\n`),
    });
    const late = { ...handledBy('sleep 30'), timeoutSeconds: 3 };
    const broken = handledBy('kill -KILL $$');
    const ends = await Promise.all(
      [undefined, late, broken].map(async (options) => {
        const environment = await startDemo(options);
        await environment.invoke(event);
        if (options === undefined) await environment.stop();
        return eventually(() => {
          const reason = reasonOf(environment);
          expect(reason).toBeDefined();
          return reason;
        });
      }),
    );
    // Lambda calls the first `spindown` and the last `failure`; the emulator has words of its own for them.
    expect(ends).toEqual(['sandboxterminated', 'timeout', 'releasefail']);
  });

  const startSecrets = (options: Partial<EnvironmentOptions> = {}) =>
    start({ functionName: output(stack, 'ShowSecretName'), keys: keysFor('ShowSecretRoleName'), ...options });
  const home = ({ tmp }: ExecutionEnvironment) => join(tmp, 'secrets');
  const ttl = (seconds: number, more: object[] = []) => ({
    change: ({ task }: { task: string }) =>
      writeFileSync(
        join(task, 'config.yaml'),
        JSON.stringify({
          SecretManagers: [{ secrets: [{ secretname: secretName, required: true }, ...more] }],
          TtlSeconds: seconds,
        }),
      ),
  });

  test('effect: the secret lies in a file of its own before the function is loaded, and is gone at the end [aws-lambda-rie]', async () => {
    const environment = await startSecrets();
    const { answer } = await environment.invoke({ name: secretName });
    expect(answer).toEqual({ name: secretName, from: 'cache', length: secretValue.length, atStart: 1 });
    expect(readdirSync(home(environment))).toEqual([secretName]);
    expect(statSync(home(environment)).mode & 0o777).toBe(0o700);
    expect(statSync(join(home(environment), secretName)).mode & 0o777).toBe(0o600);
    await environment.stop();
    expect(readdirSync(environment.tmp)).not.toContain('secrets');
    expect(environment.log()).toContain('secrets wiped');
    expect(environment.log()).not.toContain(password);
    // The internal extension, in the runtime's own process.
    expect(environment.log()).toContain('internal extension: the wrapper ran');
  });

  test('effect: a secret that was rotated is there anew after its time, one value of it alone where that is wanted [aws-lambda-rie]', async () => {
    const environment = await startSecrets(
      // Nobody has made the last one, which is not required.
      ttl(1, [{ secretname: secretName, filename: 'snow-password', key: 'password' }, { secretname: 'not-there' }]),
    );
    const part = () => readFileSync(join(home(environment), 'snow-password'), 'utf8');
    await environment.invoke({ name: 'snow-password' });
    expect(part()).toBe(password);
    expect(environment.log()).toContain('secret could not be fetched');
    await putSecret(JSON.stringify({ user: 'integration', password: 'rotated' }));
    onTestFinished(() => putSecret(secretValue));
    await eventually(async () => {
      await environment.invoke({ name: 'snow-password' });
      expect(part()).toBe('rotated');
    });
    expect((await environment.invoke({ name: 'snow-password' })).answer).toMatchObject({ from: 'cache', length: 7 });
  });

  test('effect: without a required secret the environment does not start, and no invocation runs [aws-lambda-rie]', async () => {
    const missing = { secretname: `${secretName}-missing` };
    const failed = await startSecrets(ttl(300, [{ ...missing, required: true }]));
    expect((await failed.invoke({ name: secretName })).status).toBe(502);
    // The emulator's answer is empty; what the extension told the environment is in its log.
    expect(failed.log()).toMatch(/extension\/init\/error, .*Error-Type:\[Extension\.SecretUnavailable\]/);
    expect(failed.log()).not.toContain('"message":"secret read"');
  });

  test('effect: where no extension runs, the function reads the secret from Secrets Manager', async () => {
    expect(await invoked('ShowSecretName', { name: secretName })).toEqual({
      ...{ name: secretName, from: 'secrets-manager', length: secretValue.length, atStart: 0 },
    });
  });

  test('triggered: where no agent answers, the function goes by the defaults and says so', async () => {
    expect(await invoked('Settings1Name', event)).toMatchObject({
      ...{ event, LogLevel: 'normal', tempLimit: 30, humidLimit: 50, stale: true },
    });
  });

  const place = () => ({
    ApplicationId: output(stack, 'ApplicationId'),
    ConfigurationProfileId: output(stack, 'ProfileId'),
  });

  async function deploySettings(content: unknown, strategy = 'AtOnceStrategyId'): Promise<number> {
    const appConfig = client(AppConfigClient);
    const { VersionNumber } = await appConfig.send(
      new CreateHostedConfigurationVersionCommand({
        ...{ ...place(), ContentType: 'application/json', Content: Buffer.from(JSON.stringify(content)) },
      }),
    );
    const { DeploymentNumber = 0 } = await appConfig.send(
      new StartDeploymentCommand({
        ...{ ...place(), EnvironmentId: output(stack, 'EnvironmentId') },
        ...{ DeploymentStrategyId: output(stack, strategy), ConfigurationVersion: String(VersionNumber) },
      }),
    );
    return DeploymentNumber;
  }

  async function startSettings(id: 'Settings1' | 'Settings2'): Promise<ExecutionEnvironment> {
    return start({
      functionName: output(stack, `${id}Name`),
      keys: keysFor(`${id}RoleName`),
      variables: {
        AWS_APPCONFIG_EXTENSION_POLL_INTERVAL_SECONDS: '1',
        // Two environments in one network.
        AWS_APPCONFIG_EXTENSION_HTTP_PORT: String(await freePort()),
      },
    });
  }

  test('effect: a new version turns both functions from normal to verbose without a cold start; a bad one changes nothing [aws-lambda-rie]', async () => {
    const both = await Promise.all([startSettings('Settings1'), startSettings('Settings2')]);
    const answers = () => Promise.all(both.map(async (environment) => (await environment.invoke(event)).answer));
    const shown = (LogLevel: string, tempLimit: number, ColdStart: boolean) => ({
      ...{ event, ColdStart, LogLevel, tempLimit, humidLimit: 50 },
    });
    expect(await answers()).toEqual([shown('normal', 30, true), shown('normal', 30, true)]);
    const verbose: Settings = { loglevel: 'verbose', tempLimit: 27.5, humidLimit: 50 };
    await deploySettings(verbose);
    onTestFinished(() => void deploySettings(defaultSettings));
    await eventually(async () =>
      expect(await answers()).toEqual([shown('verbose', 27.5, false), shown('verbose', 27.5, false)]),
    );
    for (const { log } of both) {
      expect(log()).toContain('"level":"DEBUG"');
      expect(log().match(/"message":"goes by settings"/g)?.length).toBeGreaterThan(0);
    }
    // AppConfig on AWS refuses it by the schema; the local account validates nothing, so the functions have to.
    await deploySettings({ loglevel: 'loud' });
    const stale = { ...shown('verbose', 27.5, false), stale: true };
    await eventually(async () => expect(await answers()).toEqual([stale, stale]));
  });

  test('effect: a deployment is taken back when the alarm of the settings goes off', async () => {
    const DeploymentNumber = await deploySettings({ ...defaultSettings, tempLimit: 99 }, 'GradualStrategyId');
    await setAlarm('ALARM');
    onTestFinished(() => setAlarm('OK'));
    const EnvironmentId = output(stack, 'EnvironmentId');
    await eventually(async () => {
      const { State } = await client(AppConfigClient).send(
        new GetDeploymentCommand({ ApplicationId: place().ApplicationId, EnvironmentId, DeploymentNumber }),
      );
      expect(State).toBe('ROLLED_BACK');
    });
  });

  test('rights: an extension has the rights of its function’s role: without the one to read, the environment does not start [aws-lambda-rie]', async () => {
    const secretRole = output(stack, 'ShowSecretRoleName');
    const reads = (await statementsOf(secretRole)).find(({ actions }) =>
      actions.includes('secretsmanager:GetSecretValue'),
    );
    if (reads === undefined) throw new Error(`${secretRole} may not read the secret at all`);
    const denied = await withoutStatement(secretRole, reads, async () => {
      const environment = await startSecrets();
      return { ...(await environment.invoke({ name: secretName })), log: environment.log() };
    });
    expect(denied.status).toBe(502);
    expect(denied.log).toContain('"reason":"denied"');
  });

  test('deployed: the programs of the layers can be executed, as they lie in the account', async () => {
    let modes: number[] = [];
    await start({
      functionName: output(stack, 'ShowSecretName'),
      change: ({ opt }) => {
        modes = ['extensions/secrets-prefetch', 'measure-start'].map((path) => statSync(join(opt, path)).mode & 0o777);
      },
    });
    expect(modes).toEqual([0o755, 0o755]);
  });
});

/** The project has no client of CloudWatch. */
async function setAlarm(state: 'ALARM' | 'OK'): Promise<void> {
  const body = new URLSearchParams({
    ...{ Action: 'SetAlarmState', Version: '2010-08-01', AlarmName: output(stack, 'RollbackAlarmName') },
    ...{ StateValue: state, StateReason: 'a test' },
  });
  const { status } = await signedHttp({ accessKeyId: 'test', secretAccessKey: 'test' }, account.endpoint ?? '', {
    ...{ service: 'monitoring', method: 'POST', body: String(body) },
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  expect(status).toBe(200);
}

describeRights('lambda-extensions', { stack, rights });
