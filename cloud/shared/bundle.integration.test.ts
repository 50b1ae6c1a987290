import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Function as LambdaFunction, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
import { expect, onTestFinished, test, vi } from 'vitest';
import { bundle, bundleExtension } from './bundle.ts';

// The CDK takes seconds to load and to build its first stack.
vi.setConfig({ testTimeout: 60_000 });

const entry = new URL('../stream-ingestion/forward.lambda.ts', import.meta.url);

/** Folder names and code of the function assets of an app of its own. */
function assetOf(): { name: string; code: string } {
  const outdir = mkdtempSync(join(tmpdir(), 'greengrass-itsm-bundle-test-'));
  onTestFinished(() => rmSync(outdir, { recursive: true }));
  const app = new App({ outdir });
  const stack = new Stack(app, 'Room');
  new LambdaFunction(stack, 'Fn', { code: bundle(entry), handler: 'index.handler', runtime: Runtime.NODEJS_24_X });
  const { directory } = app.synth();
  const [name = ''] = readdirSync(directory).filter((file) => file.startsWith('asset.'));
  return { name, code: readFileSync(join(directory, name, 'index.mjs'), 'utf8') };
}

test('the same source is the same asset, with all that it imports and no path of this machine', () => {
  const { name, code } = assetOf();
  expect(assetOf().name).toBe(name);
  expect(code).toContain('PutRecord');
  expect(
    code.match(/from"(?!node:)[^"]+"/g)?.filter((one) => /from"[@a-z]/.test(one) && !isBuiltin(one)) ?? [],
  ).toEqual([]);
  expect(code).not.toContain(process.cwd());
});

function isBuiltin(text: string): boolean {
  return /from"(assert|buffer|child_process|crypto|events|fs|fs\/promises|http|http2|https|net|os|path|process|stream|string_decoder|timers|tls|url|util|zlib)"/.test(
    text,
  );
}

test('an extension is one program in the folder where Lambda looks for it, and texts lie beside a function', () => {
  const outdir = mkdtempSync(join(tmpdir(), 'greengrass-itsm-bundle-test-'));
  onTestFinished(() => rmSync(outdir, { recursive: true }));
  const app = new App({ outdir });
  const stack = new Stack(app, 'Room');
  new LayerVersion(stack, 'Layer', { code: bundleExtension(entry, 'my-extension') });
  const code = bundle(entry, undefined, { 'config.yaml': 'a: 1\n' });
  new LambdaFunction(stack, 'Fn', { code, handler: 'index.handler', runtime: Runtime.NODEJS_24_X });
  const { directory } = app.synth();
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const [program = ''] = files.filter((file) => file.endsWith('extensions/my-extension'));
  expect(statSync(join(directory, program)).mode & 0o777).toBe(0o755);
  expect(readFileSync(join(directory, program), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  const [text = ''] = files.filter((file) => file.endsWith('config.yaml'));
  expect(readFileSync(join(directory, text), 'utf8')).toBe('a: 1\n');
});

test('what cannot be bundled is an error that names the file', () => {
  expect(() => bundle(new URL('./missing.lambda.ts', import.meta.url))).toThrow(/missing\.lambda\.ts/);
});
