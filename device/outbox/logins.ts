import type { IncidentDestination } from '../incident/destination.ts';

/**
 * What follows when the instance refuses our login: the secret is read anew, once for all requests that were refused
 * under it. One attempt is made for each version of a secret, for retries must not lock the account.
 */
export interface Logins {
  /** Number of the login that requests are sent under now. */
  current(): number;
  /** After a refusal of a request that was sent under `login`: whether there is another secret, so that it may go again. */
  isRenewed(login: number): Promise<boolean>;
  /** The instance has answered. */
  accepted(): void;
}

export function createLogins(destination: Pick<IncidentDestination, 'credentialsVersion' | 'reauthenticate'>): Logins {
  let current = 0;
  let refusedVersion: string | undefined;
  let reading: Promise<boolean> | undefined;

  async function readAnew(): Promise<boolean> {
    refusedVersion = destination.credentialsVersion() ?? refusedVersion;
    const secret = await destination.reauthenticate();
    if (!secret.ok || secret.version === refusedVersion) return false;
    current += 1;
    return true;
  }

  return {
    current: () => current,
    async isRenewed(login) {
      if (login !== current) return true;
      reading ??= readAnew().finally(() => {
        reading = undefined;
      });
      return reading;
    },
    accepted() {
      refusedVersion = undefined;
    },
  };
}
