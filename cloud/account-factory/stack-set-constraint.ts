import { z } from 'zod';

/** What Service Catalog is told of a constraint of type `STACKSET`. */
const constraintParameters = z.object({
  Version: z.literal('2.0'),
  Properties: z.object({
    AccountList: z.array(z.string()),
    RegionList: z.array(z.string()),
    AdminRole: z.string(),
    ExecutionRole: z.string(),
  }),
});

export interface StackSetTargets {
  accounts: readonly string[];
  regions: readonly string[];
}

/** Roles that Control Tower has made: one in its own account, one in each of its accounts. */
export interface StackSetRoles {
  adminRoleArn: string;
  executionRole: string;
}

/**
 * Parameters of a constraint that lets a product into accounts and regions besides those that it names already; undefined
 * where it does so.
 * @param present its parameters now, JSON; undefined where there is no constraint yet.
 * @throws Error where its parameters are not known here: to write others would take rights away.
 */
export function extendedConstraint(
  present: string | undefined,
  { accounts, regions }: StackSetTargets,
  { adminRoleArn, executionRole }: StackSetRoles,
): string | undefined {
  const known = present === undefined ? undefined : constraintParameters.parse(JSON.parse(present)).Properties;
  const AccountList = [...new Set([...(known?.AccountList ?? []), ...accounts])];
  const RegionList = [...new Set([...(known?.RegionList ?? []), ...regions])];
  if (AccountList.length === known?.AccountList.length && RegionList.length === known.RegionList.length) {
    return undefined;
  }
  const AdminRole = known?.AdminRole ?? adminRoleArn;
  const ExecutionRole = known?.ExecutionRole ?? executionRole;
  return JSON.stringify({ Version: '2.0', Properties: { AccountList, RegionList, AdminRole, ExecutionRole } });
}
