import { readAccount, type TestAccount } from './account.ts';

/** The account of this process. Importing this outside of `npm run test:cloud` throws, with the sentence that says so. */
export const account: TestAccount = readAccount(process.env);

export interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

interface ClientConfig {
  region: string;
  maxAttempts: number;
  credentials?: Keys;
}

/**
 * A client of the SDK on the account: `client(KinesisClient)`. Endpoints and the root user's keys come from the
 * environment, which `account` has checked; with `keys` it acts as somebody else (`assumeRole`).
 */
export function client<C>(Client: new (config: ClientConfig) => C, keys?: Keys): C {
  return new Client({ region: account.region, maxAttempts: 3, ...(keys === undefined ? {} : { credentials: keys }) });
}
