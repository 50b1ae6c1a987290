import {
  CreateConstraintCommand,
  DeleteConstraintCommand,
  DescribeConstraintCommand,
  DescribeProvisionedProductCommand,
  ListConstraintsForPortfolioCommand,
  ListPortfoliosCommand,
  ListProvisioningArtifactsCommand,
  ListStackInstancesForProvisionedProductCommand,
  ResourceNotFoundException,
  SearchProductsAsAdminCommand,
  type ServiceCatalogClient,
  UpdateConstraintCommand,
} from '@aws-sdk/client-service-catalog';
import { z } from 'zod';
import type { Catalogue, Constraint } from './catalogue.ts';
import { allPages } from './pages.aws.ts';

const PageSize = 20;
const product = z
  .object({ ProductViewSummary: z.object({ ProductId: z.string(), Name: z.string() }), CreatedTime: z.date() })
  .transform(({ ProductViewSummary: { ProductId: id, Name: name }, CreatedTime }) => ({
    ...{ id, name, createdMs: CreatedTime.getTime() },
  }));
const artifact = z.object({
  Id: z.string(),
  Name: z.string(),
  CreatedTime: z.date(),
  Active: z.boolean().default(true),
});
const portfolio = z.object({ Id: z.string(), DisplayName: z.string() });
const constraint = z.object({ ConstraintId: z.string(), Type: z.string() });

/** Service Catalog for who validates files, and lets products into accounts. */
export function createCatalogue(client: Pick<ServiceCatalogClient, 'send'>): Catalogue {
  return {
    async portfoliosCalled(displayName) {
      const portfolios = await allPages('portfolios', async (PageToken) => {
        const { PortfolioDetails, NextPageToken } = await client.send(
          new ListPortfoliosCommand({ PageSize, PageToken }),
        );
        return { items: z.array(portfolio).parse(PortfolioDetails ?? []), next: NextPageToken };
      });
      return portfolios.filter(({ DisplayName }) => DisplayName === displayName).map(({ Id }) => Id);
    },
    productsOf: (PortfolioId) =>
      allPages(`products of ${PortfolioId}`, async (PageToken) => {
        const { ProductViewDetails, NextPageToken } = await client.send(
          new SearchProductsAsAdminCommand({ PortfolioId, PageSize, PageToken }),
        );
        return { items: z.array(product).parse(ProductViewDetails ?? []), next: NextPageToken };
      }),
    // The one list that comes whole.
    async artifactsOf(ProductId) {
      const { ProvisioningArtifactDetails } = await client.send(new ListProvisioningArtifactsCommand({ ProductId }));
      return z
        .array(artifact)
        .parse(ProvisioningArtifactDetails ?? [])
        .filter(({ Active }) => Active)
        .map(({ Id: id, Name: name, CreatedTime }) => ({ id, name, createdMs: CreatedTime.getTime() }));
    },
    async provisioned(Name) {
      try {
        const { ProvisionedProductDetail } = await client.send(new DescribeProvisionedProductCommand({ Name }));
        const { Id, Type } = z.object({ Id: z.string(), Type: z.string() }).parse(ProvisionedProductDetail);
        return { id: Id, type: Type };
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return undefined;
        throw error;
      }
    },
    async regionsOf(ProvisionedProductId, account) {
      const instances = await allPages(`stacks of ${ProvisionedProductId}`, async (PageToken) => {
        const { StackInstances, NextPageToken } = await client.send(
          new ListStackInstancesForProvisionedProductCommand({ ProvisionedProductId, PageSize, PageToken }),
        );
        return { items: StackInstances ?? [], next: NextPageToken };
      });
      return instances.filter(({ Account }) => Account === account).flatMap(({ Region }) => Region ?? []);
    },
    async constraintsOf(PortfolioId, ProductId) {
      const listed = await allPages(`constraints of ${ProductId}`, async (PageToken) => {
        const { ConstraintDetails, NextPageToken } = await client.send(
          new ListConstraintsForPortfolioCommand({ PortfolioId, ProductId, PageSize, PageToken }),
        );
        return { items: z.array(constraint).parse(ConstraintDetails ?? []), next: NextPageToken };
      });
      const constraints: Constraint[] = [];
      for (const { ConstraintId: id, Type: type } of listed) {
        const { ConstraintParameters = '' } = await client.send(new DescribeConstraintCommand({ Id: id }));
        constraints.push({ id, type, parameters: ConstraintParameters });
      }
      return constraints;
    },
    async createStackSetConstraint(PortfolioId, ProductId, Parameters) {
      await client.send(new CreateConstraintCommand({ PortfolioId, ProductId, Parameters, Type: 'STACKSET' }));
    },
    async updateConstraint(Id, Parameters) {
      await client.send(new UpdateConstraintCommand({ Id, Parameters }));
    },
    async deleteConstraint(Id) {
      try {
        await client.send(new DeleteConstraintCommand({ Id }));
      } catch (error) {
        // It is gone, as it was to be.
        if (!(error instanceof ResourceNotFoundException)) throw error;
      }
    },
  };
}
