import { CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';

export interface WebAclProps {
  /** ARNs of what it stands before, by a name of each: a stage of API Gateway, a user pool. */
  resources: Readonly<Record<string, string>>;
  /** Requests in five minutes that one address may send to what people use: the portal, sign-up, sign-in. */
  peopleRequests: number;
  /** Requests in five minutes that one address may send at all. */
  requests: number;
}

/** What keeps away whoever has no business here: known bad addresses, and floods from one. Plans limit each key. */
export class WebAcl extends Construct {
  constructor(scope: Construct, id: string, { resources, peopleRequests, requests }: WebAclProps) {
    super(scope, id);
    const visible = (metricName: string) => ({
      metricName,
      cloudWatchMetricsEnabled: true,
      sampledRequestsEnabled: true,
    });
    const acl = new CfnWebACL(this, 'Acl', {
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      visibilityConfig: visible('api-facade'),
      rules: [
        {
          name: 'people-rate',
          priority: 1,
          action: { block: {} },
          visibilityConfig: visible('people-rate'),
          statement: {
            rateBasedStatement: {
              aggregateKeyType: 'IP',
              limit: peopleRequests,
              evaluationWindowSec: 300,
              // All but the routes of programs, so that no spelling of a path gets around it; a user pool's is `/`.
              scopeDownStatement: {
                notStatement: {
                  statement: {
                    byteMatchStatement: {
                      fieldToMatch: { uriPath: {} },
                      positionalConstraint: 'STARTS_WITH',
                      searchString: '/api/v1/',
                      textTransformations: [{ priority: 0, type: 'NONE' }],
                    },
                  },
                },
              },
            },
          },
        },
        {
          name: 'all-rate',
          priority: 2,
          action: { block: {} },
          visibilityConfig: visible('all-rate'),
          statement: { rateBasedStatement: { aggregateKeyType: 'IP', limit: requests, evaluationWindowSec: 300 } },
        },
        {
          name: 'ip-reputation',
          priority: 3,
          overrideAction: { none: {} },
          visibilityConfig: visible('ip-reputation'),
          statement: {
            managedRuleGroupStatement: { vendorName: 'AWS', name: 'AWSManagedRulesAmazonIpReputationList' },
          },
        },
      ],
    });
    for (const [name, resourceArn] of Object.entries(resources)) {
      new CfnWebACLAssociation(this, `Of${name}`, { resourceArn, webAclArn: acl.attrArn });
    }
  }
}
