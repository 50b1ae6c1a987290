import { createHash } from 'node:crypto';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * A ULID: 48 bits of time and 80 bits of randomness in 26 characters, so that text order is order of time.
 * @param random 10 bytes.
 * Source: github.com/ulid/spec
 */
export function ulid(nowMs: number, random: Uint8Array): string {
  return encode((BigInt(nowMs) << 80n) | bigintOf(random.subarray(0, 10)));
}

/** The key of whatever is made under this name: the same name, the same key. It says nothing of time. */
export function ulidOf(name: string): string {
  return encode(bigintOf(createHash('sha256').update(name).digest().subarray(0, 16)));
}

function bigintOf(bytes: Uint8Array): bigint {
  return bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

/** 128 bits, five a character from the right. */
function encode(number: bigint): string {
  return Array.from({ length: 26 }, (_, place) => {
    const five = (number >> BigInt(5 * (25 - place))) & 31n;
    return alphabet.charAt(Number(five));
  }).join('');
}
