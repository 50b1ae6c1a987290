import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync, type OutputFile } from 'esbuild';

/** What was built in this process, by entry: an app of several stages bundles each function once. */
const built = new Map<string, OutputFile[]>();

/**
 * The code of a function: one module with all that it imports, the SDK too, so that what was tested is what runs. The
 * same source gives the same bytes, so a deploy without a change changes nothing.
 * @param entry `new URL('./verb.lambda.ts', import.meta.url)`; it exports `handler`.
 * @param page folder of a page's `main.tsx` and `style.css`, which lie beside the module as `page.js` and `page.css`.
 * @param texts files that lie beside the module, by name.
 * @throws Error where esbuild cannot build it.
 */
export function bundle(entry: URL, page?: URL, texts: Readonly<Record<string, string>> = {}): Code {
  const path = fileURLToPath(entry);
  const files = built.get(path) ?? [...build(path), ...(page === undefined ? [] : buildPage(fileURLToPath(page)))];
  built.set(path, files);
  return Code.fromAsset(dirname(path), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // The files are there already: no container is ever started. The command tells one asset from another.
      image: DockerImage.fromRegistry('none'),
      command: [path, ...Object.entries(texts).flat()],
      local: {
        tryBundle(folder) {
          for (const file of files) writeFileSync(join(folder, basename(file.path)), file.contents);
          for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
          return true;
        },
      },
    },
  });
}

/**
 * The code of a layer with one external extension of Lambda, for functions on Node: a single file that the runtime's
 * Node executes, with all that it imports.
 * @param entry a program, not a handler.
 * @param name of the file, by which the extension has to register.
 * @throws Error where esbuild cannot build it.
 */
export function bundleExtension(entry: URL, name: string): Code {
  const path = fileURLToPath(entry);
  const key = `${path} as ${name}`;
  const [file] = built.get(key) ?? buildExtension(path, name);
  if (file === undefined) throw new Error(`${path} was built into nothing.`);
  built.set(key, [file]);
  return Code.fromAsset(dirname(path), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry('none'),
      command: [key],
      local: {
        tryBundle(folder) {
          mkdirSync(join(folder, 'extensions'));
          writeFileSync(join(folder, 'extensions', name), file.contents, { mode: 0o755 });
          return true;
        },
      },
    },
  });
}

function buildExtension(path: string, name: string): OutputFile[] {
  const { outputFiles } = buildSync({
    entryPoints: [path],
    outfile: join(dirname(path), name),
    write: false,
    bundle: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    target: 'node24',
    // A file without an ending is no module.
    format: 'cjs',
    mainFields: ['module', 'main'],
    legalComments: 'none',
    logLevel: 'silent',
    banner: { js: '#!/usr/bin/env node' },
  });
  return outputFiles;
}

function build(path: string): OutputFile[] {
  const { outputFiles } = buildSync({
    entryPoints: [path],
    outfile: join(dirname(path), 'index.mjs'),
    write: false,
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
  return outputFiles;
}

/** What a browser loads: `page.js` and `page.css` of a folder. */
export function buildPage(folder: string): OutputFile[] {
  const { outputFiles } = buildSync({
    absWorkingDir: folder,
    entryPoints: [
      { in: 'main.tsx', out: 'page' },
      { in: 'style.css', out: 'page' },
    ],
    outdir: 'page',
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'silent',
  });
  return outputFiles;
}
