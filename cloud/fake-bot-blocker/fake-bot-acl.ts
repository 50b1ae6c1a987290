import { Stack } from 'aws-cdk-lib';
import { CfnIPSet, CfnLoggingConfiguration, CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import type { Stage } from '../stages.ts';
import type { Family } from './address.ts';
import { crawlerRule, visible } from './crawler-rule.ts';
import type { Crawler } from './crawlers.ts';

export type Scope = 'CLOUDFRONT' | 'REGIONAL';

export interface FakeBotAclProps {
  stage: Stage;
  scope: Scope;
  crawlers: readonly Crawler[];
  ipSetName: string;
  /** ARN of the delivery stream that gets the log; its name begins with `aws-waf-logs-`. */
  logStreamArn: string;
  /** ARNs of what it stands before, in scope REGIONAL. */
  resourceArns: readonly string[];
}

interface SetIdentity {
  name: string;
  id: string;
  arn: string;
}

/** The web ACL with the sets of both families, its log, and what it stands before. */
export class FakeBotAcl extends Construct {
  readonly acl: CfnWebACL;
  readonly sets: Readonly<Record<Family, SetIdentity>>;

  constructor(parent: Construct, id: string, props: FakeBotAclProps) {
    super(parent, id);
    const { scope, crawlers, ipSetName, logStreamArn, resourceArns } = props;
    this.sets = {
      ipv4: this.ipSet('Ipv4', 'IPV4', ipSetName, props),
      ipv6: this.ipSet('Ipv6', 'IPV6', `${ipSetName}V6`, props),
    };
    this.acl = new CfnWebACL(this, 'Acl', {
      name: 'FakeBotWebACL',
      scope,
      defaultAction: { allow: {} },
      visibilityConfig: visible('FakeBotWebACLMetric'),
      rules: [
        crawlerRule(crawlers, [this.sets.ipv4.arn, this.sets.ipv6.arn], 0),
        {
          name: 'RuleWithAWSManagedRules',
          priority: 1,
          // Counts and stops nobody, as in the post.
          overrideAction: { count: {} },
          visibilityConfig: visible('RuleWithAWSManagedRulesMetric'),
          statement: { managedRuleGroupStatement: { vendorName: 'AWS', name: 'AWSManagedRulesCommonRuleSet' } },
        },
      ],
    });
    new CfnLoggingConfiguration(this, 'Log', {
      resourceArn: this.acl.attrArn,
      logDestinationConfigs: [logStreamArn],
      // What lets somebody in does not lie about in a bucket.
      redactedFields: ['authorization', 'cookie', 'x-api-key'].map((Name) => ({ singleHeader: { Name } })),
    });
    resourceArns.forEach((resourceArn, index) => {
      new CfnWebACLAssociation(this, `Protects${index + 1}`, { resourceArn, webAclArn: this.acl.attrArn });
    });
  }

  /** The local account makes no set, so nothing there can refer to one: a name takes the place of its id. */
  private ipSet(id: string, ipAddressVersion: string, name: string, { stage, scope }: FakeBotAclProps): SetIdentity {
    const description = 'Fake crawlers. What is put in by hand is taken out within an hour: use a set of your own.';
    const set = new CfnIPSet(this, id, { name, scope, ipAddressVersion, description, addresses: [] });
    if (stage.name !== 'local') return { name, id: set.attrId, arn: set.attrArn };
    const resourceName = `ipset/${name}/local`;
    const arn = Stack.of(this).formatArn({ service: 'wafv2', resource: scope.toLowerCase(), resourceName });
    return { name, id: 'local', arn };
  }
}
