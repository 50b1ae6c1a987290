import { z } from 'zod';
import { inWords, type TemplateResource } from './template.ts';

const oneOrMore = <T extends z.ZodType>(of: T) => z.union([of.transform((one) => [one]), z.array(of)]);

const statementSchema = z.object({
  Effect: z.enum(['Allow', 'Deny']),
  Action: oneOrMore(z.string()).default([]),
  NotAction: z.unknown().optional(),
  NotResource: z.unknown().optional(),
  Resource: z
    .union([z.array(z.unknown()), z.unknown().transform((one) => (one === undefined ? [] : [one]))])
    .optional(),
});
const documentSchema = z.object({ Statement: oneOrMore(statementSchema) });
const policySchema = z.object({
  PolicyName: z.string().default(''),
  PolicyDocument: documentSchema,
  Roles: z.array(z.unknown()).default([]),
});
const roleSchema = z.object({ Policies: z.array(policySchema).default([]) });

/** An allowing statement of any policy in a template. */
export interface Statement {
  /** Path of the policy or role that it stands in. */
  path: string;
  /** Paths of the roles that hold it; none for the policy of a queue, topic or bucket. */
  roles: readonly string[];
  /** Name of a role's policy, and the statement's place in it. */
  policyName: string;
  index: number;
  actions: readonly string[];
  /** In words: see `inWords`. */
  resources: readonly string[];
}

/** Its document is a text that CloudFormation puts together: the room's own test reads it. */
const textPolicy = 'AWS::Logs::ResourcePolicy';

/**
 * Every statement that allows something: policies, inline policies of roles, policies of resources.
 * @throws Error where one allows all but what it names, which is more than anybody can list; z.ZodError where a policy
 *   is written in a way that is not known here
 */
export function allowing(resources: readonly TemplateResource[]): Statement[] {
  return resources.flatMap(({ Type, path, Properties }) => {
    const policies =
      Type === 'AWS::IAM::Role'
        ? roleSchema.parse(Properties).Policies.map((policy) => ({ ...policy, roles: [path] }))
        : typeof Properties['PolicyDocument'] === 'object' && Type !== textPolicy
          ? [policySchema.parse(Properties)].map((policy) => ({
              ...policy,
              roles: policy.Roles.map((role) => inWords(role, resources)),
            }))
          : [];
    return policies.flatMap(({ PolicyName, PolicyDocument, roles }) =>
      PolicyDocument.Statement.flatMap(({ Effect, Action, NotAction, NotResource, Resource }, index) => {
        if (Effect === 'Deny') return [];
        if (NotAction !== undefined || NotResource !== undefined) {
          throw new Error(`${path} allows all but what it names (NotAction, NotResource): name what it may do.`);
        }
        return [
          {
            ...{ path, roles, policyName: PolicyName, index },
            actions: Action.toSorted(),
            resources: (Resource ?? []).map((one) => inWords(one, resources)),
          },
        ];
      }),
    );
  });
}
