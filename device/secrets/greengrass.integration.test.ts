import { afterEach, describe, expect, test } from 'vitest';
import { accessToAll, type NucleusStage, nucleusStage, untilIpc } from '../greengrass/test-nucleus-stage.ts';
import { greengrassSecrets } from './greengrass.ts';
import type { Secrets } from './secrets.ts';
import { secretsContract } from './secrets-contract.ts';

const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:greengrass-snow-creds-a1B2c3';
const name = 'greengrass-snow-creds';
const credentials = JSON.stringify({ username: 'edge', password: 'p' });

let stage: NucleusStage | undefined;

afterEach(() => stage?.close());

async function opened(options: Parameters<typeof nucleusStage>[0] = {}, accessControl: unknown = accessToAll) {
  stage = await nucleusStage(options);
  const { nucleus, ipc } = stage;
  const connection = ipc('anomaly-handler', { accessControl });
  await connection.start();
  await untilIpc(connection, 'connected');
  const secrets: Secrets = greengrassSecrets({ name: arn, ipc: connection });
  let versions = 0;
  const put = async (text: string) => {
    versions += 1;
    nucleus.putSecret({ arn, name, versionId: `version-${versions}`, value: { secretString: text } });
  };
  const requests = () => nucleus.calls.filter(({ operation }) => operation === 'GetSecretValue');
  return { secrets, put, nucleus, requests };
}

describe('secrets of the nucleus', () => {
  secretsContract(async () => {
    const { secrets, put, requests } = await opened();
    return { secrets, put, readings: () => requests().length };
  });
});

test('the cloud is asked anew only for a refresh', async () => {
  const { secrets, put, requests } = await opened();
  await put(credentials);
  await secrets.get();
  await secrets.get({ refresh: true });
  expect(requests().map(({ request }) => request)).toEqual([{ secretId: arn }, { secretId: arn, refresh: true }]);
});

test('without the internet a refresh gives the copy', async () => {
  const { secrets, put, nucleus } = await opened();
  await put(credentials);
  nucleus.setOnline(false);
  await put(JSON.stringify({ username: 'edge', password: 'new' }));
  expect(await secrets.get({ refresh: true })).toMatchObject({ ok: true, credentials: { password: 'p' } });
  nucleus.setOnline(true);
  expect(await secrets.get({ refresh: true })).toMatchObject({ ok: true, credentials: { password: 'new' } });
});

test('a secret that is not configured is told with the deployment that gives it', async () => {
  const { secrets } = await opened();
  expect(await secrets.get()).toEqual({
    ok: false,
    reason: 'not-found',
    message: expect.stringMatching(/Put its ARN into cloudSecrets of aws\.greengrass\.SecretManager/),
  });
});

test('a secret that is not allowed is told with the lines to add', async () => {
  const { secrets, put } = await opened({}, {});
  await put(credentials);
  expect(await secrets.get()).toEqual({
    ok: false,
    reason: 'not-allowed',
    message: expect.stringContaining(`aws.greengrass.SecretManager:\n    'anomaly-handler:secrets:1':`),
  });
});

test('Nucleus Lite is told to have none', async () => {
  const { secrets } = await opened({ kind: 'lite' });
  expect(await secrets.get()).toEqual({
    ok: false,
    reason: 'not-allowed',
    message: expect.stringContaining('Nucleus Lite has no secret manager'),
  });
});

test('a secret of bytes is malformed, and a connection cut on the way is not the end of it', async () => {
  const { secrets, put, nucleus } = await opened();
  nucleus.putSecret({ arn, name, versionId: 'v0', value: { secretBinary: 'AAEC' } });
  expect(await secrets.get()).toMatchObject({ ok: false, reason: 'malformed' });
  await put(credentials);
  nucleus.next('GetSecretValue', { what: 'cut', when: 'in the reply' });
  expect(await secrets.get()).toMatchObject({ ok: false, reason: 'unreachable' });
  await expect.poll(() => secrets.get({ refresh: true })).toMatchObject({ ok: true });
});
