import { z } from 'zod';
import { inWords, type TemplateResource } from '../testing/template.ts';

/** A request, and what the sets hold, by their construct path. */
export interface WafRequest {
  ip: string;
  userAgent: string;
  sets: Readonly<Record<string, readonly string[]>>;
}

type Statement =
  | { AndStatement: { Statements: Statement[] } }
  | { OrStatement: { Statements: Statement[] } }
  | { ByteMatchStatement: z.output<typeof byteMatch> }
  | { IPSetReferenceStatement: { Arn?: unknown } };

const byteMatch = z.object({
  FieldToMatch: z.strictObject({ SingleHeader: z.strictObject({ Name: z.literal('user-agent') }) }),
  PositionalConstraint: z.literal('CONTAINS'),
  SearchString: z.string(),
  TextTransformations: z.tuple([z.object({ Priority: z.literal(0), Type: z.literal('LOWERCASE') })]),
});

const statement: z.ZodType<Statement> = z.lazy(() =>
  z.union([
    z.strictObject({ AndStatement: z.strictObject({ Statements: z.array(statement).min(2) }) }),
    z.strictObject({ OrStatement: z.strictObject({ Statements: z.array(statement).min(2) }) }),
    z.strictObject({ ByteMatchStatement: byteMatch }),
    z.strictObject({ IPSetReferenceStatement: z.strictObject({ Arn: z.unknown() }) }),
  ]),
);
const rule = z.object({ Action: z.strictObject({ Block: z.strictObject({}) }), Statement: statement });

/**
 * Whether WAF would stop a request by a rule, on a model of the statements that the room uses; any other one is refused.
 * @throws z.ZodError where the rule has another form
 */
export function blocks(template: unknown, request: WafRequest, resources: readonly TemplateResource[]): boolean {
  const holds = (one: Statement): boolean => {
    if ('AndStatement' in one) return one.AndStatement.Statements.every(holds);
    if ('OrStatement' in one) return one.OrStatement.Statements.some(holds);
    if ('ByteMatchStatement' in one) {
      return request.userAgent.toLowerCase().includes(one.ByteMatchStatement.SearchString);
    }
    return (request.sets[inWords(one.IPSetReferenceStatement.Arn, resources)] ?? []).includes(request.ip);
  };
  return holds(rule.parse(template).Statement);
}
