import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Product } from './sbom.ts';
import type { Target } from './target.ts';

/** The install step of a component (`install.sh`) for one kind of machine, and what its parts need. */
export function installScript(needs: {
  product: Pick<Product, 'name'>;
  target: Pick<Target, 'nodeArch'>;
  /** `20.19` */
  nodeLeast: string;
  /** `2.28` */
  glibcLeast: string;
}): string {
  const values: Record<string, string> = {
    COMPONENT: needs.product.name,
    NODE_LEAST: needs.nodeLeast,
    NODE_ARCH: needs.target.nodeArch,
    GLIBC_LEAST: needs.glibcLeast,
  };
  const template = readFileSync(join(import.meta.dirname, 'install.sh'), 'utf8');
  return template.replaceAll(/@([A-Z_]+)@/g, (whole, name: string) => values[name] ?? whole);
}
