import { createHash } from 'node:crypto';
import { z } from 'zod';
import { slot } from './contract.ts';

/** A key of a customer: which row of the table it belongs to, and what proves it. */
export interface ApiKey {
  /** Account of the portal: the user pool's `sub`. */
  account: string;
  /** Which of the account's keys: 1 to 5. */
  slot: string;
  /** The key itself, as the customer has it. */
  text: string;
}

const keyPattern = /^([0-9a-f-]{36})\.([1-5])\.[\w-]{43}$/;

/** A new key. @param random 32 random bytes: as a guess is hopeless, a plain SHA-256 keeps it safe. */
export function newApiKey(account: string, keySlot: string, random: Uint8Array): ApiKey {
  const text = `${account}.${slot.parse(keySlot)}.${Buffer.from(random).toString('base64url')}`;
  return {
    account: z
      .string()
      .regex(/^[0-9a-f-]{36}$/)
      .parse(account),
    slot: keySlot,
    text,
  };
}

/** Undefined where the text is no key. */
export function parseApiKey(text: string | undefined): ApiKey | undefined {
  const found = keyPattern.exec(text ?? '');
  if (found === null) return undefined;
  const [whole, account = '', keySlot = ''] = found;
  return { account, slot: keySlot, text: whole };
}

/** Id of a key, by which its account names it. @param hash of its text */
export function keyIdOf(keySlot: string, hash: string): string {
  return `${keySlot}-${hash.slice(0, 12)}`;
}

/** What is kept of a key: 64 hexadecimal digits. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Calendar month in UTC, by which use is counted: 2026-11. */
export function monthOf(now: Date): string {
  return now.toISOString().slice(0, 7);
}
