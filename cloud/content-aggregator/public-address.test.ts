import { isIP } from 'node:net';
import { expect, test } from 'vitest';
import { isPublic, publicLookup } from './public-address.ts';

const inner = [
  ...['127.0.0.1', '0.0.0.0', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254'],
  ...['100.64.0.1', '198.18.0.1', '224.0.0.1', '255.255.255.255'],
  ...['::1', '::', '::ffff:10.0.0.1', '::ffff:7f00:1', 'fd00:ec2::254', 'fe80::1', 'ff02::1', '64:ff9b::a00:1'],
];
const outer = ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2001:4860:4860::8888'];
const found = (address: string) => ({ address, family: isIP(address) });

test.each(inner)('%s is no address of the web', (address) => {
  expect(isPublic(found(address))).toBe(false);
});

test.each(outer)('%s is one', (address) => {
  expect(isPublic(found(address))).toBe(true);
});

function look(addresses: readonly string[], options: { all?: boolean } = {}) {
  const lookup = publicLookup((_name, _options, answer) => answer(null, addresses.map(found)));
  return new Promise((resolve, reject) => {
    lookup('vendor.example', options, (error, address) => (error === null ? resolve(address) : reject(error)));
  });
}

test('a name is used only where all of its addresses are public', async () => {
  expect(await look(['8.8.8.8'])).toBe('8.8.8.8');
  expect(await look(outer, { all: true })).toEqual(outer.map(found));
  await expect(look(['8.8.8.8', '10.0.0.1'], { all: true })).rejects.toMatchObject({ name: 'InnerAddress' });
  await expect(look(['::ffff:169.254.169.254'])).rejects.toMatchObject({ name: 'InnerAddress' });
  await expect(look([])).rejects.toThrow('vendor.example has no address');
});
