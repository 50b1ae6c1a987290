import { z } from 'zod';

const oneOrMore = z.union([z.array(z.unknown()), z.unknown().transform((one) => [one])]);
const strings = z.union([z.string(), z.array(z.string())]);
/** Any other element of a statement (`NotAction`, `NotPrincipal`) is refused: it would say the opposite of what is read here. */
const statement = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.union([z.literal('*').transform((AWS) => ({ AWS: [AWS] })), z.strictObject({ AWS: oneOrMore })]),
  Action: strings,
  Resource: oneOrMore,
  Condition: z.record(z.string(), z.unknown()).optional(),
});
const policy = z.object({ Statement: z.array(statement) });

/** A policy without a statement is none; this one allows nothing either. */
const nothing = { Effect: 'Deny' as const, Action: 'lambda:InvokeFunction', Resource: '*' };

/**
 * The statements of an endpoint's policy that apply to one caller, as statements of a policy of that caller: those that name it,
 * alone or among others, its whole account, or everybody.
 * @param arnOf The text of a value of the template: an ARN, or `*`.
 * @throws z.ZodError where the policy is missing or says something else
 */
export function statementsFor(caller: string, document: unknown, arnOf: (value: unknown) => string) {
  const account = /^arn:[^:]+:iam::(\d+):/.exec(caller)?.[1];
  const root = caller.replace(/^(arn:[^:]+:iam::\d+:).*$/, '$1root');
  const applies = (principal: unknown) => ['*', caller, account, root].includes(arnOf(principal));
  const statements = policy
    .parse(document)
    .Statement.filter(({ Principal }) => Principal.AWS.some(applies))
    .map(({ Effect, Action, Resource, Condition }) => ({
      ...{ Effect, Action, Resource: Resource.map(arnOf) },
      ...(Condition === undefined ? {} : { Condition }),
    }));
  return statements.length > 0 ? statements : [nothing];
}
