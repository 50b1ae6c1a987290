import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** A file of a page as it is served. */
export interface BuiltFile {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Bundles a page's `main.tsx` and the stylesheet. Names carry a hash of their content, so that a browser may keep them.
 * Needs esbuild, a development dependency; what is installed on a device holds built pages. Takes some 100 ms.
 */
export async function buildPage(name: string): Promise<BuiltFile[]> {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: ['style.css', `${name}/main.tsx`],
    entryNames: '[name]-[hash]',
    outdir: 'assets',
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'silent',
  });
  return outputFiles.map(({ path, contents }) => ({
    name: path.slice(path.lastIndexOf('/') + 1),
    bytes: new Uint8Array(contents),
  }));
}
