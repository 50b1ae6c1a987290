import { createRequire } from 'node:module';

/**
 * sharp, from the layer that `sharp-layer.ts` makes. It is native code, which a bundle cannot hold; and what lies in a layer is
 * found by `require` alone, as `import` does not look at NODE_PATH.
 */
const load = createRequire(import.meta.url);
export const sharp: typeof import('sharp').default = load('sharp');

// What a decoder cannot be asked to do, no picture can make it do: these two formats, from memory, and no others.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['VipsForeignLoadJpegBuffer', 'VipsForeignLoadPngBuffer'] });
// An environment serves one picture at a time, and then the next one, which is another.
sharp.cache(false);
