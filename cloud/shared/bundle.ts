import { writeFileSync } from 'node:fs';
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
 * @throws Error where esbuild cannot build it.
 */
export function bundle(entry: URL, page?: URL): Code {
  const path = fileURLToPath(entry);
  const files = built.get(path) ?? [...build(path), ...(page === undefined ? [] : buildPage(fileURLToPath(page)))];
  built.set(path, files);
  return Code.fromAsset(dirname(path), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // The files are there already: no container is ever started. The command tells one asset from another.
      image: DockerImage.fromRegistry('none'),
      command: [path],
      local: {
        tryBundle(folder) {
          for (const file of files) writeFileSync(join(folder, basename(file.path)), file.contents);
          return true;
        },
      },
    },
  });
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
