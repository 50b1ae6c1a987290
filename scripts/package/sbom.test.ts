import { expect, test } from 'vitest';
import { sbom } from './sbom.ts';

const product = { name: 'com.example.One', version: '1.2.3', license: 'Apache-2.0' };
const named = { name: 'com.example.One', version: '1.2.3', licenses: [{ license: { id: 'Apache-2.0' } }] };
const integrity = `sha512-${Buffer.from('digest').toString('base64')}`;
const locked = (name: string, license: string | undefined) => ({
  ...{ name, license, integrity },
  place: `node_modules/${name}`,
  version: '4.5.6',
});

test('the bill names each package with its digest, version and licence, in order', () => {
  const packages = [
    locked('zod', 'MIT'),
    locked('@a/b', '(MIT OR Apache-2.0)'),
    locked('fonts', 'SEE LICENSE IN README'),
  ];
  const bill = JSON.parse(sbom(product, packages));
  expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', metadata: { component: named } });
  expect(bill.components).toEqual([
    {
      ...{ type: 'library', group: '@a', name: 'b', version: '4.5.6' },
      ...{ 'bom-ref': 'pkg:npm/%40a/b@4.5.6', purl: 'pkg:npm/%40a/b@4.5.6' },
      licenses: [{ expression: '(MIT OR Apache-2.0)' }],
      hashes: [{ alg: 'SHA-512', content: Buffer.from('digest').toString('hex') }],
    },
    expect.objectContaining({ name: 'fonts', licenses: [{ license: { name: 'SEE LICENSE IN README' } }] }),
    expect.objectContaining({ name: 'zod', licenses: [{ license: { id: 'MIT' } }] }),
  ]);
  expect(bill.dependencies[0].dependsOn).toHaveLength(3);
  expect(sbom(product, packages.toReversed())).toBe(sbom(product, packages));
});
