import {
  AssociatePrincipalWithPortfolioCommand,
  DescribeProvisionedProductCommand,
  DescribeRecordCommand,
  ListPrincipalsForPortfolioCommand,
  ProvisionProductCommand,
  ResourceNotFoundException,
  type ServiceCatalogClient,
  ServiceCatalogServiceException,
  UpdateProvisionedProductCommand,
} from '@aws-sdk/client-service-catalog';
import { z } from 'zod';
import type { BaselinePorts, Order } from './baseline.ts';
import { allPages } from './pages.aws.ts';
import type { Observation } from './plan.ts';

const recordSchema = z.object({ RecordId: z.string() });

/** Service Catalog for who deploys products. */
export function createProvisioning(
  client: Pick<ServiceCatalogClient, 'send'>,
  roleArn: string,
): BaselinePorts['provisioning'] {
  async function observe(Name: string): Promise<Observation | undefined> {
    try {
      const { ProvisionedProductDetail: detail } = await client.send(new DescribeProvisionedProductCommand({ Name }));
      switch (detail?.Status) {
        case 'AVAILABLE':
          return { kind: 'there' };
        case 'ERROR':
        case 'TAINTED':
          return { kind: 'failed', why: `${detail.Status} ${detail.StatusMessage ?? ''}`.trim() };
        default:
          return { kind: 'changing' };
      }
    } catch (error) {
      return error instanceof ResourceNotFoundException ? { kind: 'absent' } : unlessCurable(error);
    }
  }
  return {
    async admit(PortfolioId) {
      const principals = await allPages(`principals of ${PortfolioId}`, async (PageToken) => {
        const { Principals = [], NextPageToken } = await client.send(
          new ListPrincipalsForPortfolioCommand({ PortfolioId, PageSize: 20, PageToken }),
        );
        return { items: Principals, next: NextPageToken };
      });
      if (principals.some(({ PrincipalARN }) => PrincipalARN === roleArn)) return;
      await client.send(
        new AssociatePrincipalWithPortfolioCommand({ PortfolioId, PrincipalARN: roleArn, PrincipalType: 'IAM' }),
      );
    },
    observe,
    async give(order) {
      try {
        return { kind: 'started', record: await send(client, order) };
      } catch (error) {
        const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        if (isCurable(error)) return { kind: 'crowded', why };
        // Service Catalog changes a product once at a time, and refuses a second change in the words of a wrong one.
        const now = order.operation === 'PROVISION' ? { kind: 'absent' } : await observe(order.name);
        return { kind: now === undefined || now.kind === 'changing' ? 'later' : 'refused', why };
      }
    },
    async recordOf(Id) {
      try {
        const { RecordDetail } = await client.send(new DescribeRecordCommand({ Id }));
        switch (RecordDetail?.Status) {
          case 'SUCCEEDED':
            return { kind: 'there' };
          case 'FAILED': {
            const why = (RecordDetail.RecordErrors ?? []).map(({ Description }) => Description).join('; ');
            return { kind: 'failed', why: why === '' ? 'Service Catalog does not say why' : why };
          }
          default:
            return { kind: 'changing' };
        }
      } catch (error) {
        return unlessCurable(error);
      }
    },
  };
}

/** @returns the record of the order: the same one for the same token. */
async function send(
  client: Pick<ServiceCatalogClient, 'send'>,
  { name, account, product, operation, token }: Order,
): Promise<string> {
  const shared = {
    ProductId: product.product_id,
    ProvisioningArtifactId: product.artifact_id,
    // A launch path is called as its portfolio.
    PathName: product.portfolio_name,
    ProvisionedProductName: name,
    ProvisioningParameters: product.parameters,
  };
  const targets = { StackSetAccounts: [account], StackSetRegions: product.regions };
  const { RecordDetail } =
    operation === 'PROVISION'
      ? await client.send(
          new ProvisionProductCommand({ ...shared, ProvisioningPreferences: targets, ProvisionToken: token }),
        )
      : await client.send(
          new UpdateProvisionedProductCommand({
            ...shared,
            ProvisioningPreferences: { ...targets, StackSetOperationType: operation },
            UpdateToken: token,
          }),
        );
  return recordSchema.parse(RecordDetail).RecordId;
}

/** Whether the next step may have more luck: the service is crowded or away. */
function isCurable(error: unknown): boolean {
  if (!(error instanceof ServiceCatalogServiceException)) return true;
  return error.$fault === 'server' || /Throttl|TooManyRequests|RequestLimitExceeded/.test(error.name);
}

/** Not known yet: the step counts, so that it cannot stay so for ever. */
function unlessCurable(error: unknown): undefined {
  if (isCurable(error)) return undefined;
  throw error;
}
