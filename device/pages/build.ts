import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

/** A file of a page as it is served. */
export interface BuiltFile {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Bundles a page's `main.tsx` and the stylesheet. Needs esbuild, a development dependency; what is installed on a device
 * holds built pages. Takes some 100 ms.
 */
export async function buildPage(name: string): Promise<BuiltFile[]> {
  const { outputFiles } = await build(pageBuild(name));
  return outputFiles.map(({ path, contents }) => ({
    name: path.slice(path.lastIndexOf('/') + 1),
    bytes: new Uint8Array(contents),
  }));
}

/** How a page is bundled. Names carry a hash of their content, so that a browser may keep them. */
export function pageBuild(name: string): BuildOptions & { write: false } {
  return {
    absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
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
  };
}
