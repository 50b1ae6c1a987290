import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, AssetHashType, CfnResource, DockerImage, Stack } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { type LocalBundling, localBundling } from './local-bundling.ts';

// The CDK takes seconds to load.
vi.setConfig({ testTimeout: 60_000 });

let folder = '';
let asset = '';
let told: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'greengrass-itsm-bundling-'));
  asset = join(folder, 'asset');
  mkdirSync(asset);
  told = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const node = (script: string, ...args: string[]) => [process.execPath, '-e', script, ...args] as const;
const write = "require('fs').writeFileSync(process.argv[1] + '/built', process.argv[2] ?? process.env.WORD ?? '')";

function bundle(bundling: Partial<LocalBundling> = {}): boolean {
  const local = localBundling({
    name: 'the sample',
    probe: { tool: process.execPath, args: ['--version'], minimum: '20.1' },
    commands: [node(write, '{asset}')],
    cwd: folder,
    tell: (text) => told.push(text),
    ...bundling,
  });
  return local.tryBundle(asset, { image: DockerImage.fromRegistry('none') });
}

test('a tool that is not there leaves the work to the container, and says so', () => {
  expect(bundle({ probe: { tool: 'no-such-tool', args: ['version'], minimum: '1.0' } })).toBe(false);
  expect(told.join('')).toMatch(/^the sample is not built .* no-such-tool version cannot be run .*ENOENT/);
  expect(readdirSync(asset)).toEqual([]);
});

test.each([
  ['go version go1.26.8 linux/amd64', '1.19', true],
  ['go version go1.18 linux/amd64', '1.19', false],
  ['v2.0', '1.19', true],
  ['1.9.9', '1.10', false],
  ['1.19', '1.19.0', true],
  ['no number at all', '1.0', false],
])('of a tool that says "%s", %s is there: %s', (says, minimum, isThere) => {
  const [tool, ...args] = node(`console.log(${JSON.stringify(says)})`);
  expect(bundle({ probe: { tool, args, minimum } })).toBe(isThere);
  if (!isThere) expect(told.join('')).toMatch(/is needed|does not say its version/);
});

test('a tool that fails at its version is none', () => {
  const [tool, ...args] = node("console.log('1.26.8'); process.exit(3)");
  expect(bundle({ probe: { tool, args, minimum: '1.0' } })).toBe(false);
});

test('tests run before the build, and what they write is told', () => {
  expect(bundle({ commands: [node("console.log('3 passed')"), node(write, '{asset}', 'whole')] })).toBe(true);
  expect(told.join('')).toBe('3 passed\n');
  expect(readFileSync(join(asset, 'built'), 'utf8')).toBe('whole');
});

test('a test that fails throws with all that it wrote, and nothing is built', () => {
  const failing = node("console.log('1 passed'); console.error('expected 1, got 2'); process.exit(1)");
  expect(() => bundle({ commands: [failing, node(write, '{asset}')] })).toThrow(
    /^the sample was not built: .* in .* ended with 1\.\n1 passed\nexpected 1, got 2\n$/,
  );
  expect(readdirSync(asset)).toEqual([]);
});

test('a command that is not there, that hangs, or that leaves nothing throws too', () => {
  expect(() => bundle({ commands: [['no-such-builder']] })).toThrow(/could not be run to its end .*ENOENT/);
  expect(() => bundle({ commands: [node('setInterval(() => {}, 1000)')], limitMs: 300 })).toThrow(/ETIMEDOUT/);
  expect(() => bundle({ commands: [node('')] })).toThrow('left nothing in {asset}');
});

test('no shell reads the arguments, and the environment is added to that of the process', () => {
  bundle({ commands: [node(write, '{asset}', '$(echo no); `echo no` > x')] });
  expect(readFileSync(join(asset, 'built'), 'utf8')).toBe('$(echo no); `echo no` > x');
  bundle({ env: { WORD: 'given' } });
  expect(readFileSync(join(asset, 'built'), 'utf8')).toBe('given');
});

test('what a tool writes where it wants to is copied', () => {
  mkdirSync(join(folder, 'public'));
  expect(bundle({ commands: [node(write, join(folder, 'public'), 'page')], output: 'public' })).toBe(true);
  expect(readFileSync(join(asset, 'built'), 'utf8')).toBe('page');
});

const manifest = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.object({ path: z.string(), packaging: z.string() }),
      destinations: z.record(z.string(), z.object({ bucketName: z.string(), objectKey: z.string() })),
    }),
  ),
});

/** The file entry of an asset that is built of a source file, and the key that the template asks for. */
function assetOf(source: string) {
  writeFileSync(join(folder, 'source'), source);
  const app = new App({ outdir: mkdtempSync(join(folder, 'out-')), analyticsReporting: false });
  const stack = new Stack(app, 'Sample');
  new CfnResource(stack, 'Topic', { type: 'AWS::SNS::Topic' });
  const { s3ObjectKey } = new Asset(stack, 'Asset', {
    path: folder,
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry('none'),
      local: localBundling({
        name: 'the sample',
        probe: { tool: process.execPath, args: ['--version'], minimum: '20.1' },
        commands: [node("require('fs').copyFileSync('source', process.argv[1] + '/built')", '{asset}')],
        cwd: folder,
      }),
    },
  });
  const files = manifest.parse(
    JSON.parse(readFileSync(join(app.synth().directory, 'Sample.assets.json'), 'utf8')),
  ).files;
  const [entry] = Object.values(files).filter(({ source: { packaging } }) => packaging === 'zip');
  return { entry, key: s3ObjectKey };
}

test('the assembly names the asset by its content: a changed source is a changed key, and the same one the same', () => {
  const first = assetOf('one');
  const [destination] = Object.values(first.entry?.destinations ?? {});
  expect(destination?.bucketName).toMatch(/^cdk-hnb659fds-assets-/);
  expect(destination?.objectKey).toMatch(/^[0-9a-f]{64}\.zip$/);
  expect(destination?.objectKey).toBe(first.key);
  expect(assetOf('one').key).toBe(first.key);
  expect(assetOf('two').key).not.toBe(first.key);
});
