import { z } from 'zod';
import { hashOf, keyIdOf, monthOf, newApiKey } from './api-key.ts';
import { type KeyEntry, keyId, keysAnAccount, newKey, type PlanName, plans } from './contract.ts';
import {
  createHttpApp,
  type HttpApp,
  type HttpContext,
  jsonBody,
  type OnFailure,
  parsePart,
  problemAnswer,
} from './http-app.ts';

/** A key as it is kept: all but its text. */
export interface KeyRow extends KeyEntry {
  /** Its place in the account: 1 to 5. */
  slot: string;
  /** Its key in API Gateway, which belongs to the plan. */
  gatewayKeyId: string;
}

/** The keys of the accounts. */
export interface KeyRows {
  list(account: string): Promise<KeyRow[]>;
  /** Takes a slot that holds no key, or a revoked one; false where another request was first. */
  claim(
    account: string,
    key: { slot: string; hash: string; plan: PlanName; label: string; createdAt: string; gatewayKeyId: string },
  ): Promise<boolean>;
  /** The row of the key with this id, revoked now or before; undefined where its slot holds none or a newer one. */
  revoke(account: string, id: string, at: string): Promise<KeyRow | undefined>;
  /** What the keys of a slot were used for in a month, and the one that it holds. */
  usage(account: string, slot: string, month: string): Promise<SlotUsage | undefined>;
}

export interface SlotUsage {
  id: string;
  plan: PlanName;
  requests: number;
}

/** Keys of API Gateway, by which plans limit. */
export interface GatewayKeys {
  /** Makes one with this value and gives it the plan; answers its id. */
  create(key: { name: string; value: string; plan: PlanName }): Promise<string>;
  /** One that is away already is fine. */
  remove(id: string): Promise<void>;
}

export interface KeysDeps {
  rows: KeyRows;
  gateway: GatewayKeys;
  /** What API Gateway finds a key by: its hash, which is all that it gets to know. */
  gatewayValue(key: { text: string; hash: string }): string;
  now(): Date;
  /** 32 random bytes. */
  random(): Uint8Array;
  onFailure: OnFailure;
}

/** `/portal/apikeys`: an account's keys. Who calls has been found out by the user pool's authoriser. */
export function createKeysApi(deps: KeysDeps): HttpApp {
  const { rows, gateway, gatewayValue, now, random, onFailure } = deps;
  const app = createHttpApp(onFailure);

  app.get('/portal/apikeys', async (c) => {
    const keys = await rows.list(accountOf(c));
    return c.json({ keys: keys.map(toEntry) });
  });

  app.post('/portal/apikeys', async (c) => {
    const body = parsePart(c, newKey, await jsonBody(c));
    if (!body.ok) return body.answer;
    const { plan, label } = body.value;
    if (plan !== 'free' && !c.env.groups.includes(plan)) {
      return problemAnswer(c, 'forbidden', { detail: `The plan ${plan} is for members of the group ${plan}.` });
    }
    const account = accountOf(c);
    const taken = (await rows.list(account)).filter(({ revokedAt }) => revokedAt === null).map((row) => row.slot);
    const all = Array.from({ length: keysAnAccount }, (_, place) => String(place + 1));
    const free = await firstUnspent(
      account,
      plan,
      all.filter((one) => !taken.includes(one)),
    );
    if (free === undefined) {
      return problemAnswer(c, 'too_many_keys', {
        detail: `An account has ${keysAnAccount} keys. Revoke one, or wait for the next month if its use was up.`,
      });
    }
    const { text } = newApiKey(account, free, random());
    const hash = hashOf(text);
    const createdAt = now().toISOString();
    const name = `${account}.${free}.${createdAt}`;
    // In this order, as a key without its row opens nothing, while a row without its key would have no limits.
    const gatewayKeyId = await gateway.create({ name, value: gatewayValue({ text, hash }), plan });
    if (!(await rows.claim(account, { slot: free, hash, plan, label, createdAt, gatewayKeyId }))) {
      await gateway.remove(gatewayKeyId);
      return problemAnswer(c, 'too_many_keys', { detail: 'Another request took this place. Send it again.' });
    }
    return c.json({ id: keyIdOf(free, hash), plan, label, createdAt, revokedAt: null, key: text }, 201, {
      'cache-control': 'no-store',
    });
  });

  /** A slot whose earlier keys have not used up the month, as a new key of API Gateway counts anew. */
  async function firstUnspent(account: string, plan: PlanName, slots: readonly string[]): Promise<string | undefined> {
    for (const one of slots) {
      const used = await rows.usage(account, one, monthOf(now()));
      if (used === undefined || used.requests < plans[plan].requestsPerMonth) return one;
    }
    return undefined;
  }

  app.delete('/portal/apikeys/:id', async (c) => {
    const id = parsePart(c, z.object({ id: keyId }), c.req.param());
    if (!id.ok) return id.answer;
    const row = await rows.revoke(accountOf(c), id.value.id, now().toISOString());
    if (row === undefined) return problemAnswer(c, 'not_found', { detail: 'The account has no such key.' });
    // The row alone refuses it; this one may be tried again.
    await gateway.remove(row.gatewayKeyId);
    return c.body(null, 204);
  });

  app.get('/portal/apikeys/:id/usage', async (c) => {
    const id = parsePart(c, z.object({ id: keyId }), c.req.param());
    if (!id.ok) return id.answer;
    const month = monthOf(now());
    const usage = await rows.usage(accountOf(c), id.value.id.charAt(0), month);
    if (usage?.id !== id.value.id) return problemAnswer(c, 'not_found', { detail: 'The account has no such key.' });
    return c.json({ month, requests: usage.requests, requestsPerMonth: plans[usage.plan].requestsPerMonth });
  });

  return app;
}

/** @throws Error where the route lacks its authoriser: then nobody is served. */
function accountOf(c: HttpContext): string {
  const { account } = c.env;
  if (account === undefined) throw new Error('No account: the route lacks its authoriser. Deploy the room again.');
  return account;
}

function toEntry({ id, plan, label, createdAt, revokedAt }: KeyRow): KeyEntry {
  return { id, plan, label, createdAt, revokedAt };
}
