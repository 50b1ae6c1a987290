import { z } from 'zod';
import { inWords, type TemplateResource } from './template.ts';

const oneOrMore = <T extends z.ZodType>(of: T) => z.union([of.transform((one) => [one]), z.array(of)]);

const statementSchema = z.object({
  Effect: z.enum(['Allow', 'Deny']),
  Action: oneOrMore(z.string()).default([]),
  Resource: z.union([z.array(z.unknown()), z.unknown().transform((one) => (one === undefined ? [] : [one]))]),
});
const documentSchema = z.object({ Statement: oneOrMore(statementSchema) });
const policySchema = z.object({
  PolicyDocument: documentSchema,
  Roles: z.array(z.unknown()).default([]),
});
const roleSchema = z.object({ Policies: z.array(z.object({ PolicyDocument: documentSchema })).default([]) });

/** An allowing statement of any policy in a template. */
export interface Statement {
  /** Path of the policy or role that it stands in. */
  path: string;
  /** Paths of the roles that hold it; none for the policy of a queue, topic or bucket. */
  roles: readonly string[];
  actions: readonly string[];
  /** In words: see `inWords`. */
  resources: readonly string[];
}

/** Every statement that allows something: policies, inline policies of roles, policies of resources. */
export function allowing(resources: readonly TemplateResource[]): Statement[] {
  return resources.flatMap((resource) => {
    const { path, Properties } = resource;
    const documents =
      resource.Type === 'AWS::IAM::Role'
        ? roleSchema.parse(Properties).Policies.map((policy) => ({ ...policy, roles: [path] }))
        : [policySchema.safeParse(Properties)].flatMap(({ data }) =>
            data === undefined
              ? []
              : [{ PolicyDocument: data.PolicyDocument, roles: data.Roles.map((role) => inWords(role, resources)) }],
          );
    return documents.flatMap(({ PolicyDocument, roles }) =>
      PolicyDocument.Statement.filter(({ Effect }) => Effect === 'Allow').map(({ Action, Resource }) => ({
        path,
        roles,
        actions: Action.toSorted(),
        resources: Resource.map((one) => inWords(one, resources)),
      })),
    );
  });
}
