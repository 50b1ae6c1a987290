import { setTimeout as pause } from 'node:timers/promises';
import {
  DeleteRolePolicyCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
  SimulatePrincipalPolicyCommand,
} from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { z } from 'zod';
import { AppError } from '../../device/platform/errors.ts';
import { account, client, type Keys } from './clients.ts';

const keysSchema = z.object({ AccessKeyId: z.string(), SecretAccessKey: z.string(), SessionToken: z.string() });

/** Keys that have a role's rights and no others: `client(S3Client, await assumeRole(arn))`. The role has to trust the account. */
export async function assumeRole(roleArn: string): Promise<Keys> {
  const { Credentials } = await client(STSClient).send(
    new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'cloud-test' }),
  );
  const { AccessKeyId, SecretAccessKey, SessionToken } = keysSchema.parse(Credentials);
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

export interface Allowed {
  action: string;
  /** ARN. */
  resource: string;
}

/** The pairs that a role's policies allow, by the account's own evaluator, sorted. */
export async function allowedOf(
  roleArn: string,
  actions: readonly string[],
  resources: readonly string[],
): Promise<Allowed[]> {
  const iam = client(IAMClient);
  const allowed: Allowed[] = [];
  for (const resource of new Set(resources)) {
    const { EvaluationResults = [] } = await iam.send(
      new SimulatePrincipalPolicyCommand({
        PolicySourceArn: roleArn,
        ActionNames: [...new Set(actions)],
        ResourceArns: [resource],
      }),
    );
    for (const { EvalActionName, EvalDecision } of EvaluationResults) {
      if (EvalDecision === 'allowed' && EvalActionName !== undefined)
        allowed.push({ action: EvalActionName, resource });
    }
  }
  return allowed.toSorted((a, b) => `${a.resource} ${a.action}`.localeCompare(`${b.resource} ${b.action}`));
}

const statementSchema = z.looseObject({ Effect: z.string(), Action: z.union([z.string(), z.array(z.string())]) });
const policySchema = z.looseObject({ Statement: z.array(statementSchema) });
type Policy = z.infer<typeof policySchema>;

/** A statement of a role's own policies. */
export interface HeldStatement {
  policyName: string;
  index: number;
  actions: readonly string[];
}

/** All statements of a role's inline policies, which is where the CDK puts them. */
export async function statementsOf(roleName: string): Promise<HeldStatement[]> {
  const { PolicyNames = [] } = await client(IAMClient).send(new ListRolePoliciesCommand({ RoleName: roleName }));
  const held: HeldStatement[] = [];
  for (const policyName of PolicyNames) {
    const { Statement } = await readPolicy(roleName, policyName);
    held.push(...Statement.map(({ Action }, index) => ({ policyName, index, actions: [Action].flat() })));
  }
  return held;
}

/** What a function keeps of its role's rights after a change, ms: on AWS it takes seconds until it counts everywhere. */
const settleMs = account.isLocal ? 0 : 15_000;

/**
 * Does something while a role lacks one statement, then puts it back whatever happened. No other test may use the role meanwhile.
 * @throws AppError `no-statement`
 */
export async function withoutStatement<T>(
  roleName: string,
  { policyName, index }: HeldStatement,
  work: () => Promise<T>,
): Promise<T> {
  const policy = await readPolicy(roleName, policyName);
  const rest = policy.Statement.filter((_, at) => at !== index);
  if (rest.length === policy.Statement.length) {
    throw new AppError(
      'no-statement',
      `${policyName} of ${roleName} has no statement ${index}; it has ${rest.length}.`,
    );
  }
  const name = { RoleName: roleName, PolicyName: policyName };
  const iam = client(IAMClient);
  try {
    // A policy without a statement is none.
    if (rest.length === 0) await iam.send(new DeleteRolePolicyCommand(name));
    else
      await iam.send(
        new PutRolePolicyCommand({ ...name, PolicyDocument: JSON.stringify({ ...policy, Statement: rest }) }),
      );
    await pause(settleMs);
    return await work();
  } finally {
    await iam.send(new PutRolePolicyCommand({ ...name, PolicyDocument: JSON.stringify(policy) }));
    await pause(settleMs);
  }
}

async function readPolicy(roleName: string, policyName: string): Promise<Policy> {
  const { PolicyDocument = '' } = await client(IAMClient).send(
    new GetRolePolicyCommand({ RoleName: roleName, PolicyName: policyName }),
  );
  return policySchema.parse(JSON.parse(decodeURIComponent(PolicyDocument)));
}
