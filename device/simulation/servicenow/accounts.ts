import { createHmac, randomBytes, scrypt, scryptSync, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Store } from '../../platform/sqlite.ts';
import { type Role, roles } from './api.ts';

/** Who may log in. Passwords are kept as scrypt hashes. */
export interface Accounts {
  set(userName: string, password: string, userRoles: readonly Role[]): void;
  /** False where there is no such user. */
  setPassword(userName: string, password: string): boolean;
  verify(userName: string, password: string): Promise<boolean>;
  rolesOf(userName: string): ReadonlySet<Role> | undefined;
}

const hashBytes = 32;
// Node's default cost: 16 MB and some 50 ms a hash. What was verified once is remembered, so only logins pay it.
const hashAsync = promisify<string, string, number, Buffer>(scrypt);
const hash = (password: string, salt: string) => scryptSync(password, salt, hashBytes).toString('hex');

interface Account {
  salt: string;
  hash: string;
  roles: ReadonlySet<Role>;
}

export function createAccounts(db: Store): Accounts {
  const digestKey = randomBytes(32);
  /** User → digest of the password that was right for the stored hash. */
  const verified = new Map<string, { hash: string; digest: string }>();
  const digestOf = (password: string) => createHmac('sha256', digestKey).update(password).digest('hex');
  const select = db.prepare('SELECT salt, hash, roles FROM account WHERE user_name = ?');

  function find(userName: string): Account | undefined {
    const row: unknown = select.get(userName);
    if (typeof row !== 'object' || row === null || !('salt' in row) || !('hash' in row) || !('roles' in row))
      return undefined;
    const names = String(row.roles).split(',');
    return {
      salt: String(row.salt),
      hash: String(row.hash),
      roles: new Set(roles.filter((role) => names.includes(role))),
    };
  }

  return {
    set(userName, password, userRoles) {
      const salt = randomBytes(16).toString('hex');
      db.prepare('INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?)').run(
        userName,
        salt,
        hash(password, salt),
        userRoles.join(','),
      );
    },
    setPassword(userName, password) {
      const salt = randomBytes(16).toString('hex');
      const done = db
        .prepare('UPDATE account SET salt = ?, hash = ? WHERE user_name = ?')
        .run(salt, hash(password, salt), userName);
      return done.changes > 0;
    },
    async verify(userName, password) {
      const account = find(userName);
      if (account === undefined) return false;
      const digest = digestOf(password);
      const known = verified.get(userName);
      if (known !== undefined && known.hash === account.hash && known.digest === digest) return true;
      const found = await hashAsync(password, account.salt, hashBytes);
      const isRight = timingSafeEqual(found, Buffer.from(account.hash, 'hex'));
      if (isRight) verified.set(userName, { hash: account.hash, digest });
      return isRight;
    },
    rolesOf: (userName) => find(userName)?.roles,
  };
}
