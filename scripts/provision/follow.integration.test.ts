import { CreateDeploymentCommand } from '@aws-sdk/client-greengrassv2';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { arnsOf, defaultNames } from '../../cloud/greengrass/names.ts';
import { workstationPolicy } from '../../cloud/greengrass/workstation-policy.ts';
import { type Clients, createClients } from './clients.ts';
import { follow, judge } from './follow.ts';
import { startTestServices, type TestServices } from './test-services.ts';

const place = { account: '123456789012', region: 'eu-west-1' };
const names = { ...defaultNames, bucket: 'artifacts' };
const thing = names.thing;

let services: TestServices;
let clients: Clients;
let lines: string[];
let deploymentId: string;
beforeEach(async () => {
  services = await startTestServices({ ...place, policy: workstationPolicy(names, place) });
  vi.stubEnv('AWS_ENDPOINT_URL_GREENGRASSV2', services.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  clients = createClients(place.region, process.env);
  lines = [];
  const made = await clients.greengrass.send(
    new CreateDeploymentCommand({ targetArn: arnsOf(names, place).thingGroup }),
  );
  deploymentId = made.deploymentId ?? '';
});
afterEach(async () => {
  vi.unstubAllEnvs();
  clients.close();
  await services.stop();
});

/** `later` says what has happened meanwhile, a look after the other. */
function following(later: (() => void)[], limitMs = 60_000): Promise<void> {
  const pause = async () => void later.shift()?.();
  const context = { clients, names, place, known: {}, secretValue: async () => '', pause };
  return follow({ context, deploymentId, limitMs, pollMs: 10_000, print: (line) => lines.push(line) });
}

const running = [{ componentName: 'com.iotblog.SensorMonitor', componentVersion: '0.1.0', lifecycleState: 'RUNNING' }];

describe('create --wait', () => {
  test('waits for the Pi, follows it, and tells each change once', async () => {
    await following([
      () => {},
      () => services.report({ thing, status: 'IN_PROGRESS' }),
      () => services.report({ thing, status: 'SUCCEEDED', components: running }),
    ]);
    expect(lines).toEqual([
      expect.stringMatching(/has not connected yet: install the bundle/),
      expect.stringMatching(/IN_PROGRESS/),
      expect.stringMatching(/has succeeded\.\n {2}com\.iotblog\.SensorMonitor +0\.1\.0 +RUNNING/),
    ]);
  });

  test('fails with the device’s reason', async () => {
    services.report({ thing, status: 'FAILED', reason: 'ARTIFACT_DOWNLOAD_ERROR' });
    await expect(following([])).rejects.toThrow(/FAILED: ARTIFACT_DOWNLOAD_ERROR.*greengrass\.log/);
  });

  test('gives up after its time, and says that the deployment goes on', async () => {
    await expect(following([], 20_000)).rejects.toMatchObject({ reason: 'deployment-slow' });
  });
});

describe('verdict', () => {
  const core = { status: 'HEALTHY', nucleus: '2.15.0' };
  test.each(['FAILED', 'REJECTED', 'TIMED_OUT', 'CANCELED'])('is a failure for %s', (status) => {
    expect(judge({ core, deployment: { status, reason: '' }, components: [] }, thing).kind).toBe('failed');
  });

  test('is a failure where a component is broken although the deployment succeeded', () => {
    const components = [{ name: 'x', version: '1', state: 'BROKEN', details: '' }];
    const verdict = judge({ core, deployment: { status: 'SUCCEEDED', reason: '' }, components }, thing);
    expect(verdict).toMatchObject({ kind: 'failed', text: expect.stringContaining('x is BROKEN') });
  });

  test('waits while another deployment is the one that runs', () => {
    expect(judge({ core, components: [] }, thing).kind).toBe('waiting');
  });
});
