import { GetIPSetCommand, UpdateIPSetCommand, type WAFV2Client } from '@aws-sdk/client-wafv2';
import { z } from 'zod';
import type { IpSet } from './blocker.ts';

export interface IpSetIdentity {
  Name: string;
  Id: string;
  Scope: 'CLOUDFRONT' | 'REGIONAL';
}

const answer = z.object({ LockToken: z.string(), IPSet: z.object({ Addresses: z.array(z.string()) }) });

export function createIpSet(waf: Pick<WAFV2Client, 'send'>, identity: IpSetIdentity): IpSet {
  return {
    async read() {
      const { LockToken: lockToken, IPSet } = answer.parse(await waf.send(new GetIPSetCommand(identity)));
      return { ranges: IPSet.Addresses, lockToken };
    },
    async replace(ranges, LockToken) {
      try {
        await waf.send(new UpdateIPSetCommand({ ...identity, Addresses: [...ranges], LockToken }));
        return 'replaced';
      } catch (error) {
        // Also where an answer was lost and the SDK asked again: then the set is found as it was meant to be.
        if (error instanceof Error && error.name === 'WAFOptimisticLockException') return 'stale';
        throw error;
      }
    },
  };
}
