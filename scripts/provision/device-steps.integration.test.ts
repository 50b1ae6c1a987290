import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { create } from 'tar';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../device/config/load.ts';
import { type Bundle, readBundle, writeBundle } from './bundle.ts';
import { files, keyIdOfRequest, makeIdentity, privateKeyIn } from './identity.ts';
import { install, nextCommands } from './install.ts';
import { keyIdOf } from './key-id.ts';
import { amazonRootCa } from './root-ca.ts';
import { readSecretValue } from './secret-value.ts';
import { certificateFor } from './test-certificate.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'provision-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const nowMs = Date.now();
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const keys = () => join(folder, 'certs');
const target = () => join(folder, 'greengrass', 'v2');

const facts: Bundle['facts'] = {
  format: 1,
  thing: 'IoT-blog_Core',
  region: 'eu-west-1',
  roleAlias: 'IoTGGRoleAlias',
  dataEndpoint: 'abc-ats.iot.eu-west-1.amazonaws.com',
  credentialsEndpoint: 'abc.credentials.iot.eu-west-1.amazonaws.com',
};

async function device(): Promise<Bundle> {
  await makeIdentity(keys(), facts.thing, { force: false });
  const certificate = await certificateFor(readFileSync(join(keys(), files.key), 'utf8'), {
    endsMs: nowMs + 86_400_000,
  });
  return { certificate, rootCa: amazonRootCa(), facts };
}

describe('keygen', () => {
  test('makes a key that only its owner reads, and a request that is signed by it', async () => {
    const { keyFile, csrFile, keyId, kept } = await makeIdentity(keys(), 'IoT-blog_Core', { force: false });
    expect(kept).toBe(false);
    expect(modeOf(keyFile)).toBe('600');
    const key = privateKeyIn(keyFile);
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect(keyIdOf(createPublicKey(key))).toBe(keyId);
    const csr = readFileSync(csrFile, 'utf8');
    expect(await keyIdOfRequest(csr, csrFile)).toBe(keyId);
    expect(csr).not.toContain('PRIVATE');
  });

  test('writes no file that certs.example does not name', () => {
    const page = readFileSync('certs.example/README.md', 'utf8');
    expect(Object.values(files).filter((file) => !page.includes(`| \`${file}\` |`))).toEqual([]);
  });

  test('keeps a key that is there', async () => {
    const first = await makeIdentity(keys(), 'a', { force: false });
    const content = readFileSync(first.keyFile, 'utf8');
    expect(await makeIdentity(keys(), 'a', { force: false })).toMatchObject({ kept: true, keyId: first.keyId });
    expect(readFileSync(first.keyFile, 'utf8')).toBe(content);
  });

  test('with force makes a new one and moves the old one aside', async () => {
    const first = await makeIdentity(keys(), 'a', { force: false });
    const content = readFileSync(first.keyFile, 'utf8');
    expect((await makeIdentity(keys(), 'a', { force: true })).keyId).not.toBe(first.keyId);
    expect(readFileSync(join(keys(), files.previousKey), 'utf8')).toBe(content);
    expect(modeOf(join(keys(), files.previousKey))).toBe('600');
  });

  test.each([
    ['of another kind', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['that is too short', () => generateKeyPairSync('rsa', { modulusLength: 1_024 })],
  ])('refuses a key %s, with force makes one that will do', async (_what, generate) => {
    mkdirSync(keys());
    const pem = generate().privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(join(keys(), files.key), pem, { mode: 0o600 });
    await expect(makeIdentity(keys(), 'a', { force: false })).rejects.toThrow(/no RSA key of 2048 bits.*--force/);
    expect(readFileSync(join(keys(), files.key), 'utf8')).toBe(pem);
    expect(existsSync(join(keys(), files.csr))).toBe(false);
    expect(await makeIdentity(keys(), 'a', { force: true })).toMatchObject({ kept: false });
  });

  test('says what is wrong with a key, and quotes nothing of it', async () => {
    await makeIdentity(keys(), 'a', { force: false });
    writeFileSync(join(keys(), files.key), '-----BEGIN PRIVATE KEY-----\nverysecret\n-----END PRIVATE KEY-----\n');
    const refused = makeIdentity(keys(), 'a', { force: false });
    await expect(refused).rejects.toMatchObject({ reason: 'bad-key' });
    await expect(refused).rejects.not.toThrow(/verysecret/);
  });
});

describe('signing request', () => {
  test.each([
    ['is none', 'not a request'],
    ['is signed by another key', undefined],
  ])('is refused when it %s', async (_what, text) => {
    const { csrFile } = await makeIdentity(keys(), 'a', { force: false });
    const body = Buffer.from(readFileSync(csrFile, 'utf8').split('\n').slice(1, -2).join(''), 'base64');
    body.writeUInt8(body.readUInt8(body.length - 1) ^ 1, body.length - 1);
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${body.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
    await expect(keyIdOfRequest(text ?? forged, 'request.pem')).rejects.toMatchObject({ reason: 'bad-csr' });
  });
});

describe('bundle', () => {
  test('brings back what was put in, and is the same file for the same content', async () => {
    const bundle = await device();
    await writeBundle(join(folder, 'a.tar.gz'), bundle);
    await writeBundle(join(folder, 'b.tar.gz'), bundle);
    const read = await readBundle(join(folder, 'a.tar.gz'));
    expect(read.facts).toEqual(facts);
    expect(read.certificate.trim()).toBe(bundle.certificate.trim());
    expect(readFileSync(join(folder, 'a.tar.gz'))).toEqual(readFileSync(join(folder, 'b.tar.gz')));
  });

  test('holds no key', async () => {
    await writeBundle(join(folder, 'a.tar.gz'), await device());
    const { certificate, rootCa } = await readBundle(join(folder, 'a.tar.gz'));
    expect(`${certificate}${rootCa}`).not.toContain('PRIVATE');
  });

  const wrong: [string, () => Promise<void> | void][] = [
    ['is not there', () => {}],
    ['is no archive', () => writeFileSync(join(folder, 'x.tar.gz'), 'no archive')],
    ['is too large', () => writeFileSync(join(folder, 'x.tar.gz'), Buffer.alloc(300 * 1024))],
    [
      'lacks its parts',
      async () => {
        writeFileSync(join(folder, 'other'), 'x');
        await create({ gzip: true, file: join(folder, 'x.tar.gz'), cwd: folder }, ['other']);
      },
    ],
    [
      'names a host that is none',
      async () => {
        await writeBundle(join(folder, 'x.tar.gz'), {
          ...(await device()),
          facts: { ...facts, dataEndpoint: 'a b\n' },
        });
      },
    ],
  ];
  test.each(wrong)('is refused when it %s', async (_what, make) => {
    await make();
    await expect(readBundle(join(folder, 'x.tar.gz'))).rejects.toMatchObject({ reason: 'bad-bundle' });
  });

  test('Amazon’s authority comes with Node', () => {
    expect(new X509Certificate(amazonRootCa()).subject).toContain('CN=Amazon Root CA 1');
  });
});

describe('install', () => {
  const options = () => ({ keys: keys(), target: target(), nucleus: 'classic', nowMs }) as const;

  test('puts certificate, authority, key and configuration in place, with their modes', async () => {
    const bundle = await device();
    const placed = install(bundle, options());
    expect(placed.every(({ changed }) => changed)).toBe(true);
    const certs = join(target(), 'certs');
    expect(modeOf(join(certs, files.key))).toBe('600');
    for (const file of [join(certs, files.certificate), join(keys(), files.certificate)]) {
      expect(modeOf(file)).toBe('644');
      expect(readFileSync(file, 'utf8')).toBe(bundle.certificate);
    }
    expect(parse(readFileSync(join(target(), 'config.yaml'), 'utf8'))).toEqual({
      system: {
        certificateFilePath: join(certs, files.certificate),
        privateKeyPath: join(certs, files.key),
        rootCaPath: join(certs, files.rootCa),
        rootpath: target(),
        thingName: 'IoT-blog_Core',
      },
      services: {
        'aws.greengrass.Nucleus': {
          componentType: 'NUCLEUS',
          version: expect.stringMatching(/^2\./),
          configuration: {
            awsRegion: 'eu-west-1',
            iotRoleAlias: 'IoTGGRoleAlias',
            iotDataEndpoint: facts.dataEndpoint,
            iotCredEndpoint: facts.credentialsEndpoint,
          },
        },
      },
    });
  });

  test('again changes nothing, but a mode that is too open', async () => {
    const bundle = await device();
    install(bundle, options());
    expect(install(bundle, options()).filter(({ changed }) => changed)).toEqual([]);
    const key = join(target(), 'certs', files.key);
    rmSync(key);
    writeFileSync(key, readFileSync(join(keys(), files.key)), { mode: 0o644 });
    expect(install(bundle, options()).filter(({ changed }) => changed)).toEqual([{ path: key, changed: true }]);
    expect(modeOf(key)).toBe('600');
  });

  test('writes the form of Nucleus Lite', async () => {
    install(await device(), { ...options(), nucleus: 'lite' });
    const { services } = parse(readFileSync(join(target(), 'config.yaml'), 'utf8'));
    expect(services['aws.greengrass.NucleusLite'].configuration).toMatchObject({ awsRegion: 'eu-west-1' });
  });

  test('for a Pi without Greengrass leaves the key where it is, and says how its components connect', async () => {
    const bundle = await device();
    const placed = install(bundle, { ...options(), nucleus: 'none' });
    expect(placed.map(({ path }) => path)).toEqual([join(keys(), files.certificate), join(keys(), files.rootCa)]);
    expect(existsSync(target())).toBe(false);
    const [command = ''] = nextCommands({ ...options(), nucleus: 'none' }, facts);
    const set = [...command.matchAll(/--set (\S+)/g)].map(([, one = '']) => one);
    const { config } = await loadConfig({ env: {}, set });
    expect(config.transport.iotCore).toMatchObject({ endpoint: facts.dataEndpoint, thingName: facts.thing });
    expect(config.transport.iotCore.keyFile).toBe(join(keys(), files.key));
  });

  test('refuses the certificate of another key, and writes nothing', async () => {
    const bundle = await device();
    await makeIdentity(keys(), facts.thing, { force: true });
    expect(() => install(bundle, options())).toThrow(/not that of the key/);
    expect(existsSync(target())).toBe(false);
  });

  test('refuses a certificate that has ended', async () => {
    const bundle = await device();
    expect(() => install(bundle, { ...options(), nowMs: nowMs + 10 * 86_400_000 })).toThrow(/ended on/);
  });
});

describe('value of the secret', () => {
  const file = () => join(folder, 'secret.json');
  const credentials = { username: 'greengrass', password: 'not a real one' };

  test('comes from a file of its owner', async () => {
    writeFileSync(file(), JSON.stringify({ ...credentials, note: 'left out' }), { mode: 0o600 });
    expect(JSON.parse(await readSecretValue({ file: file(), interactive: false }))).toEqual(credentials);
  });

  test('is asked for without echo', async () => {
    const terminal = { input: new PassThrough(), output: new PassThrough() };
    let shown = '';
    terminal.output.setEncoding('utf8').on('data', (text) => (shown += text));
    const value = readSecretValue({ user: 'greengrass', interactive: true, terminal });
    await vi.waitUntil(() => shown.includes('Password of greengrass'));
    terminal.input.write('sesame\r');
    expect(JSON.parse(await value)).toEqual({ username: 'greengrass', password: 'sesame' });
    expect(shown).not.toContain('sesame');
  });

  test('is refused from a file that others can read, or where nobody can be asked', async () => {
    writeFileSync(file(), JSON.stringify(credentials), { mode: 0o644 });
    await expect(readSecretValue({ file: file(), interactive: false })).rejects.toThrow(/chmod 600/);
    await expect(readSecretValue({ user: 'x', interactive: false })).rejects.toMatchObject({ reason: 'no-secret' });
  });
});
