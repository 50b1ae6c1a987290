import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';

/** Where the bundles of this process lie; goes with it. */
let parent: string | undefined;
const folders = new Map<string, string>();

/**
 * The code of a function: one module with all that it imports, the SDK too, so that what was tested is what runs. The
 * same source gives the same bytes, so a deploy without a change changes nothing.
 * @param entry `new URL('./verb.lambda.ts', import.meta.url)`; it exports `handler`.
 * @throws Error where esbuild cannot build it.
 */
export function bundle(entry: URL): Code {
  const path = fileURLToPath(entry);
  const folder = folders.get(path) ?? build(path);
  folders.set(path, folder);
  return Code.fromAsset(folder);
}

function build(path: string): string {
  const folder = mkdtempSync(join(parentFolder(), 'bundle-'));
  buildSync({
    entryPoints: [path],
    outfile: join(folder, 'index.mjs'),
    bundle: true,
    minify: true,
    // Names stand in error messages and in logs.
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    legalComments: 'none',
    logLevel: 'silent',
    // Packages in CommonJS call `require`, which a module does not have.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  });
  return folder;
}

function parentFolder(): string {
  if (parent !== undefined) return parent;
  const made = mkdtempSync(join(tmpdir(), 'greengrass-itsm-bundles-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  parent = made;
  return made;
}
