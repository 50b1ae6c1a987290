import type { LockedPackage } from './lock-file.ts';

/** What the bill is for. */
export interface Product {
  name: string;
  version: string;
  license: string;
}

/**
 * Software bill of materials in CycloneDX 1.6: the component and every package whose code is in its zip, with the digest
 * of the tarball that package-lock.json pins. No time and no serial number, so that the same content is the same bill.
 * Source: CycloneDX specification, https://cyclonedx.org/docs/1.6/json/
 */
export function sbom(product: Product, packages: readonly LockedPackage[]): string {
  const self = `pkg:generic/${product.name}@${product.version}`;
  const components = packages
    .map(({ name, version, integrity, license }) => {
      const [, scope, bare = name] = /^(@[^/]+)\/(.+)$/.exec(name) ?? [];
      const reference = `pkg:npm/${name.replace('@', '%40')}@${version}`;
      return {
        type: 'library',
        'bom-ref': reference,
        ...(scope === undefined ? {} : { group: scope }),
        name: bare,
        version,
        purl: reference,
        ...(license === undefined ? {} : { licenses: licencesOf(license) }),
        hashes: [digestOf(integrity)],
      };
    })
    .toSorted((one, other) => (one.purl < other.purl ? -1 : 1));
  const bill = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': self,
        name: product.name,
        version: product.version,
        purl: self,
        licenses: licencesOf(product.license),
      },
    },
    components,
    dependencies: [{ ref: self, dependsOn: components.map(({ purl }) => purl) }],
  };
  return `${JSON.stringify(bill, undefined, 2)}\n`;
}

function licencesOf(license: string) {
  if (/\b(AND|OR|WITH)\b/.test(license)) return [{ expression: license }];
  return [{ license: /\s/.test(license) ? { name: license } : { id: license } }];
}

function digestOf(integrity: string) {
  const [algorithm = '', base64 = ''] = integrity.split('-', 2);
  return { alg: algorithm.replace(/^sha/, 'SHA-'), content: Buffer.from(base64, 'base64').toString('hex') };
}
