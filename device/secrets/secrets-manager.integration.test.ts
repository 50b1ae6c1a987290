import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { configSchema } from '../config/schema.ts';
import { manualTime, systemTime } from '../platform/time.ts';
import { createSecrets } from './create-secrets.ts';
import { canary, secretsContract } from './secrets-contract.ts';
import { secretsManagerSecrets } from './secrets-manager.ts';

/** Speaks as much of AWS Secrets Manager as one GetSecretValue needs. */
const service = {
  secrets: new Map<string, { text: string | undefined; version: number }>(),
  requests: 0,
  refusal: undefined as { status: number; type: string } | undefined,
  silent: false,
};
let server: Server;
let endpoint = '';
let names = 0;
const freshName = () => {
  names += 1;
  return `secret-${names}`;
};
const environment = {
  AWS_ACCESS_KEY_ID: 'AKIATEST',
  AWS_SECRET_ACCESS_KEY: 'canary-aws-key',
  AWS_EC2_METADATA_DISABLED: 'true',
};
const before = { ...process.env };
const warnings: string[] = [];
const onWarning = (warning: Error) => warnings.push(warning.message);

beforeAll(async () => {
  Object.assign(process.env, environment);
  process.on('warning', onWarning);
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      service.requests += 1;
      if (service.silent) return;
      const send = (status: number, body: unknown) => {
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
      };
      if (request.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue')
        return send(400, { __type: 'UnknownOperationException' });
      if (service.refusal !== undefined) {
        return send(service.refusal.status, {
          __type: service.refusal.type,
          message: `echo ${request.headers.authorization} canary-aws-key`,
        });
      }
      const asked: { SecretId: string } = JSON.parse(Buffer.concat(chunks).toString());
      const secret = service.secrets.get(asked.SecretId);
      if (secret === undefined) return send(400, { __type: 'ResourceNotFoundException', Message: 'not found' });
      const value = secret.text === undefined ? { SecretBinary: 'AAAA' } : { SecretString: secret.text };
      send(200, {
        Name: asked.SecretId,
        VersionId: `00000000-0000-0000-0000-${String(secret.version).padStart(12, '0')}`,
        ...value,
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  endpoint = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
});
beforeEach(() => {
  service.refusal = undefined;
  service.silent = false;
});
afterEach(() => server.closeAllConnections());
afterAll(async () => {
  process.off('warning', onWarning);
  for (const name of Object.keys(environment)) {
    const value = before[name];
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await new Promise((resolve) => server.close(resolve));
});

const open = (name: string, time = systemTime) =>
  secretsManagerSecrets({ name, region: 'eu-central-1', endpoint, time });

describe('AWS Secrets Manager', () => {
  secretsContract(async () => {
    const name = freshName();
    const start = service.requests;
    return {
      secrets: open(name),
      async put(text) {
        const version = (service.secrets.get(name)?.version ?? 0) + 1;
        service.secrets.set(name, { text, version });
      },
      readings: () => service.requests - start,
    };
  });

  test.each([
    ['not-allowed', 400, 'AccessDeniedException'],
    ['not-allowed', 400, 'UnrecognizedClientException'],
    ['not-allowed', 403, 'InvalidSignatureException'],
    ['not-allowed', 400, 'DecryptionFailure'],
    ['not-found', 400, 'InvalidRequestException'],
    ['not-found', 400, 'ValidationException'],
    ['unreachable', 501, 'Unfinished'],
  ])('says %s on %i %s, and nothing of the request', async (reason, status, type) => {
    service.refusal = { status, type };
    const result = await open('any').get();
    expect(result).toMatchObject({ ok: false, reason });
    expect(JSON.stringify(result)).not.toMatch(/canary|Signature=|Credential=/);
  });

  test('a secret of bytes is told apart', async () => {
    service.secrets.set('binary', { text: undefined, version: 1 });
    expect(await open('binary').get()).toMatchObject({ ok: false, reason: 'malformed' });
  });

  test('nobody there is unreachable', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const address = closed.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await new Promise((resolve) => closed.close(resolve));
    const secrets = secretsManagerSecrets({
      name: 'x',
      region: 'eu-central-1',
      endpoint: `http://127.0.0.1:${port}`,
      time: systemTime,
    });
    expect(await secrets.get()).toMatchObject({ ok: false, reason: 'unreachable' });
  });

  test('silence ends after a while', async () => {
    service.silent = true;
    const time = manualTime();
    const start = service.requests;
    const reading = open('any', time).get();
    await expect.poll(() => service.requests).toBeGreaterThan(start);
    time.advance(15_000);
    expect(await reading).toMatchObject({
      ok: false,
      reason: 'unreachable',
      message: expect.stringContaining('within 15 s'),
    });
  });

  test('says nothing of Node versions', () => {
    expect(warnings.filter((message) => message.includes('AWS SDK'))).toEqual([]);
  });
});

describe('secrets by configuration', () => {
  const config = (secrets: object) => configSchema.parse({ secrets }).secrets;
  const deps = { dataDir: '/nowhere', time: systemTime };

  test('kind file looks into the data directory, unless a file is named', async () => {
    expect(await (await createSecrets(config({}), deps)).get()).toHaveProperty(
      'message',
      expect.stringContaining('/nowhere/greengrass-snow-creds.json'),
    );
    expect(await (await createSecrets(config({ file: '/else/creds' }), deps)).get()).toHaveProperty(
      'message',
      expect.stringContaining('/else/creds'),
    );
  });

  test('kind secrets-manager takes name, region and endpoint', async () => {
    service.secrets.set('by-config', { text: JSON.stringify({ username: 'u', password: canary }), version: 1 });
    const secrets = await createSecrets(
      config({ kind: 'secrets-manager', name: 'by-config', region: 'eu-central-1', endpoint }),
      deps,
    );
    expect(await secrets.get()).toMatchObject({ ok: true });
  });

  test('that of the nucleus is refused outside of Greengrass, with the ones that are there', async () => {
    await expect(createSecrets(config({ kind: 'greengrass' }), deps)).rejects.toThrow(
      'secrets.kind to file or secrets-manager',
    );
  });
});
