import type { CfnWebACL } from 'aws-cdk-lib/aws-wafv2';
import { blockRule } from './contract.ts';
import type { Crawler } from './crawlers.ts';

type Statement = CfnWebACL.StatementProperty;

/**
 * The rule that stops whoever says it is one of these crawlers from an address that is in one of the sets. Both must hold: behind
 * one address there are others who say nothing of the kind.
 */
export function crawlerRule(
  crawlers: readonly Crawler[],
  setArns: readonly string[],
  priority: number,
): CfnWebACL.RuleProperty {
  return {
    name: blockRule,
    priority,
    action: { block: {} },
    visibilityConfig: visible('BlockFakeBotsMetric'),
    statement: {
      andStatement: {
        statements: [
          anyOf(crawlers.map(({ userAgent }) => saysItIs(userAgent))),
          anyOf(setArns.map((arn) => ({ ipSetReferenceStatement: { arn } }))),
        ],
      },
    },
  };
}

export function visible(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { metricName, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: true };
}

function saysItIs(searchString: string): Statement {
  return {
    byteMatchStatement: {
      // Untyped in the CDK, so it goes into the template as it stands.
      fieldToMatch: { singleHeader: { Name: 'user-agent' } },
      positionalConstraint: 'CONTAINS',
      searchString,
      textTransformations: [{ priority: 0, type: 'LOWERCASE' }],
    },
  };
}

/** WAF takes no alternative of one. */
function anyOf(statements: Statement[]): Statement {
  const [only, ...others] = statements;
  if (only === undefined) throw new Error('Name at least one crawler: a rule that matches nobody is none.');
  return others.length === 0 ? only : { orStatement: { statements } };
}
