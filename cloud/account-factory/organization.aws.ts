import {
  ListAccountsForParentCommand,
  ListOrganizationalUnitsForParentCommand,
  ListRootsCommand,
  type OrganizationsClient,
} from '@aws-sdk/client-organizations';
import { z } from 'zod';
import { allPages } from './pages.aws.ts';
import type { StartPorts } from './start.ts';

const named = z.object({ Id: z.string(), Name: z.string() });
const member = z.object({ Id: z.string(), Status: z.string() });
/** More units are not read; Organizations allows 2,000 of them. */
const mostUnits = 2_000;

/** The organisation of this account. */
export function createOrganization(client: Pick<OrganizationsClient, 'send'>): StartPorts['organization'] {
  const unitsBelow = (ParentId: string) =>
    allPages(`units of ${ParentId}`, async (NextToken) => {
      const page = await client.send(new ListOrganizationalUnitsForParentCommand({ ParentId, NextToken }));
      return { items: z.array(named).parse(page.OrganizationalUnits ?? []), next: page.NextToken };
    });
  const accountsIn = (ParentId: string) =>
    allPages(`accounts of ${ParentId}`, async (NextToken) => {
      const page = await client.send(new ListAccountsForParentCommand({ ParentId, NextToken }));
      return { items: z.array(member).parse(page.Accounts ?? []), next: page.NextToken };
    });
  return {
    async accountsOf(names) {
      const roots = await allPages('roots', async (NextToken) => {
        const page = await client.send(new ListRootsCommand({ NextToken }));
        return { items: z.array(named).parse(page.Roots ?? []), next: page.NextToken };
      });
      const units: z.infer<typeof named>[] = [];
      for (const parents = roots.map(({ Id }) => Id); parents.length > 0; ) {
        const below = await unitsBelow(parents.shift() ?? '');
        units.push(...below);
        parents.push(...below.map(({ Id }) => Id));
        if (units.length > mostUnits) throw new Error(`The organisation has more than ${mostUnits} units.`);
      }
      const accounts = new Map<string, string[] | undefined>();
      for (const name of names) {
        const [unit, another] = units.filter(({ Name }) => Name === name);
        const isOne = unit !== undefined && another === undefined;
        const members = isOne ? await accountsIn(unit.Id) : undefined;
        accounts.set(
          name,
          members?.filter(({ Status }) => Status === 'ACTIVE').map(({ Id }) => Id),
        );
      }
      return accounts;
    },
  };
}
