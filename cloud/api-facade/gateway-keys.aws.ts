import {
  type APIGatewayClient,
  CreateApiKeyCommand,
  CreateUsagePlanKeyCommand,
  DeleteApiKeyCommand,
  NotFoundException,
} from '@aws-sdk/client-api-gateway';
import { z } from 'zod';
import { keyTags, type PlanName } from './contract.ts';
import type { GatewayKeys } from './keys.ts';

/** @param planIds reads the usage plan of API Gateway for each plan */
export function createGatewayKeys(
  gateway: Pick<APIGatewayClient, 'send'>,
  planIds: () => Promise<Readonly<Record<PlanName, string>>>,
): GatewayKeys {
  async function remove(apiKey: string): Promise<void> {
    try {
      await gateway.send(new DeleteApiKeyCommand({ apiKey }));
    } catch (error) {
      if (!(error instanceof NotFoundException)) throw error;
    }
  }

  return {
    remove,
    async create({ name, value, plan }) {
      const usagePlanId = (await planIds())[plan];
      const created = await gateway.send(new CreateApiKeyCommand({ name, value, enabled: true, tags: keyTags }));
      const keyId = z.string().parse(created.id);
      try {
        await gateway.send(new CreateUsagePlanKeyCommand({ usagePlanId, keyId, keyType: 'API_KEY' }));
      } catch (error) {
        // A key without a plan is of no use, and nobody would find it again.
        await remove(keyId);
        throw error;
      }
      return keyId;
    },
  };
}
