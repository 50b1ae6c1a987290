import type { Stage as ApiStage } from 'aws-cdk-lib/aws-apigateway';
import { CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';

export interface WebAclProps {
  apiStage: ApiStage;
  /** Requests in five minutes that one address may send to the portal, where people type. */
  portalRequests: number;
}

/** What keeps away whoever has no business here: known bad addresses, and floods of sign-ups. Plans limit the rest. */
export class WebAcl extends Construct {
  constructor(scope: Construct, id: string, { apiStage, portalRequests }: WebAclProps) {
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
          name: 'portal-rate',
          priority: 1,
          action: { block: {} },
          visibilityConfig: visible('portal-rate'),
          statement: {
            rateBasedStatement: {
              aggregateKeyType: 'IP',
              limit: portalRequests,
              evaluationWindowSec: 300,
              scopeDownStatement: {
                byteMatchStatement: {
                  fieldToMatch: { uriPath: {} },
                  positionalConstraint: 'CONTAINS',
                  searchString: '/portal',
                  textTransformations: [{ priority: 0, type: 'LOWERCASE' }],
                },
              },
            },
          },
        },
        {
          name: 'ip-reputation',
          priority: 2,
          overrideAction: { none: {} },
          visibilityConfig: visible('ip-reputation'),
          statement: {
            managedRuleGroupStatement: { vendorName: 'AWS', name: 'AWSManagedRulesAmazonIpReputationList' },
          },
        },
      ],
    });
    new CfnWebACLAssociation(this, 'Association', { resourceArn: apiStage.stageArn, webAclArn: acl.attrArn });
  }
}
