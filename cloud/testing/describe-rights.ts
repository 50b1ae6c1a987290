import {
  CloudFormationClient,
  DescribeStackResourcesCommand,
  GetTemplateCommand,
} from '@aws-sdk/client-cloudformation';
import { GetRoleCommand, GetRolePolicyCommand, IAMClient, SimulateCustomPolicyCommand } from '@aws-sdk/client-iam';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Right, type RightsTable, rightsIn } from '../shared/rights.ts';
import { account, client } from './clients.ts';
import { isShared, sortedRights } from './conventions.ts';
import { allowedOf } from './roles.ts';
import { allowing, type Statement } from './statements.ts';
import { resourcesOf } from './template.ts';

/** A role of a deployed stack, as the account knows it. */
interface DeployedRole {
  /** Construct path. */
  path: string;
  arn: string;
  policies: ReadonlyMap<string, Policy>;
  /** Its statements in the words of the template. */
  statements: readonly Statement[];
}

const policySchema = z.object({
  Statement: z.array(
    z.looseObject({ Resource: z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]) }),
  ),
});
type Policy = z.infer<typeof policySchema>;

/**
 * The rights of a room as the account evaluates them: each role × every action of the table × every resource of the
 * table is what the table says, and none of its statements can be dropped. Stands in the room's cloud test.
 */
export function describeRights(room: string, { stack, rights }: { stack: string; rights: RightsTable }): void {
  describe(room, () => {
    const table = rightsIn(rights, account.isLocal ? 'local' : 'aws');
    const actions = [...new Set(Object.values(table).flatMap((held) => held.map(({ action }) => action)))];
    let roles: DeployedRole[] = [];
    let arns = new Map<string, string>();

    beforeAll(async () => {
      roles = await rolesOf(stack);
      arns = arnsOf(roles);
    });

    test('rights: each role may do what the table says, on its own resources and on those of its siblings', async () => {
      const words = new Map([...arns].map(([word, arn]) => [arn, word]));
      const on = [
        ...new Set(
          Object.values(table)
            .flat()
            .map(({ on }) => arns.get(on) ?? `not deployed: ${on}`),
        ),
      ];
      const found: [string, Right[]][] = [];
      for (const { path, arn } of roles.filter(({ path }) => Object.hasOwn(table, path))) {
        const allowed = await allowedOf(arn, actions, on);
        found.push([
          path,
          sortedRights(
            allowed
              .map(({ action, resource }) => ({ action, on: words.get(resource) ?? resource }))
              .filter(({ action, on }) => on === '*' || !onAll(table[path] ?? [], action)),
          ),
        ]);
      }
      expect(Object.fromEntries(found)).toEqual(
        Object.fromEntries(Object.entries(table).map(([role, held]) => [role, sortedRights(held)])),
      );
    });

    test('rights: without any one of its statements a role may do less than the table says', async () => {
      const spare: string[] = [];
      for (const role of roles) {
        for (const statement of role.statements.filter((one) => !isStandard(one))) {
          const needed = await isNeeded(role, statement, table[role.path] ?? [], arns);
          if (!needed) spare.push(`${role.path}: ${statement.actions.join(', ')} on ${statement.resources.join(', ')}`);
        }
      }
      expect(spare).toEqual([]);
    });
  });
}

/** Whether the table grants it on `*`, and so on every resource that others of its rights name. */
function onAll(rights: readonly Right[], action: string): boolean {
  return rights.some((right) => right.action === action && right.on === '*');
}

/** What every NodeFunction has: stack.test.ts sees that it is there. */
function isStandard(statement: Statement): boolean {
  return isShared(statement) || statement.actions.join() === 'logs:CreateLogStream,logs:PutLogEvents';
}

async function rolesOf(stack: string): Promise<DeployedRole[]> {
  const cloudFormation = client(CloudFormationClient);
  const { TemplateBody = '{}' } = await cloudFormation.send(new GetTemplateCommand({ StackName: stack }));
  const { StackResources = [] } = await cloudFormation.send(new DescribeStackResourcesCommand({ StackName: stack }));
  const resources = resourcesOf(JSON.parse(TemplateBody));
  const statements = allowing(resources);
  const iam = client(IAMClient);
  return Promise.all(
    resources
      .filter(({ Type }) => Type === 'AWS::IAM::Role')
      .map(async ({ path, logicalId }) => {
        const RoleName = StackResources.find(
          ({ LogicalResourceId }) => LogicalResourceId === logicalId,
        )?.PhysicalResourceId;
        const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
        const own = statements.filter(({ roles }) => roles.includes(path));
        const policies = new Map<string, Policy>();
        for (const PolicyName of new Set(own.map(({ policyName }) => policyName))) {
          const { PolicyDocument = '{}' } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
          policies.set(PolicyName, policySchema.parse(JSON.parse(decodeURIComponent(PolicyDocument))));
        }
        return { path, arn: z.string().parse(Role?.Arn), policies, statements: own };
      }),
  );
}

/** ARN of each resource that the statements name, by its words: the template and the account have them at the same place. */
function arnsOf(roles: readonly DeployedRole[]): Map<string, string> {
  const pairs = roles.flatMap(({ policies, statements }) =>
    statements.flatMap(({ policyName, index, resources }) =>
      resources.map((word, place): [string, string] => [
        word,
        policies.get(policyName)?.Statement[index]?.Resource[place] ?? `not deployed: ${word}`,
      ]),
    ),
  );
  return new Map(pairs);
}

async function isNeeded(
  { policies }: DeployedRole,
  { policyName, index, actions }: Statement,
  rights: readonly Right[],
  arns: ReadonlyMap<string, string>,
): Promise<boolean> {
  const rest = [...policies]
    .map(([name, { Statement }]) => (name === policyName ? Statement.filter((_, at) => at !== index) : Statement))
    .filter((statements) => statements.length > 0)
    .map((Statement) => JSON.stringify({ Version: '2012-10-17', Statement }));
  // What the statement itself grants comes first: mostly one question is enough.
  for (const { action, on } of rights.toSorted(
    (a, b) => Number(actions.includes(b.action)) - Number(actions.includes(a.action)),
  )) {
    const { EvaluationResults = [] } = await client(IAMClient).send(
      new SimulateCustomPolicyCommand({
        PolicyInputList: rest,
        ActionNames: [action],
        ResourceArns: [arns.get(on) ?? on],
      }),
    );
    if (EvaluationResults.some(({ EvalDecision }) => EvalDecision !== 'allowed')) return true;
  }
  return false;
}
