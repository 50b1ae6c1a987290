import { Annotations } from 'aws-cdk-lib';
import { type InterfaceVpcEndpoint, InterfaceVpcEndpointAwsService, type SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, ArnPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { IsolatedNetwork } from '../shared/isolated-network.ts';

export interface LambdaPrivateAccessProps {
  network: IsolatedNetwork;
  /** What may be called: aliases or versions, so that what is not released is not called. */
  functions: readonly { functionArn: string }[];
  /** ARNs of the roles and users that may call it. */
  principals: readonly string[];
  /** Groups in the network whose members reach the endpoint. */
  from: readonly SecurityGroup[];
  /** Ranges of networks joined with this one, by VPN or peering, whose machines reach it. */
  allowedCidrs?: readonly string[];
  /** Whether Lambda's own name leads to the endpoint inside the network: then all calls of Lambda's API go through it. */
  privateDns?: boolean;
  /** Id of the organisation, `o-…`, outside of which nobody may call. */
  organization?: string;
}

/**
 * Calls of Lambda functions without the Internet: an interface endpoint whose policy lets these principals invoke these
 * functions, by these names, and do nothing else of Lambda's API. Who calls needs the right as well: both have to allow.
 * @throws Error where nobody or nothing is named, as the policy of AWS would then allow everything to everybody; where a name
 * has a `*` or `?`; or where a range is the whole Internet
 */
export class LambdaPrivateAccess extends Construct {
  readonly endpoint: InterfaceVpcEndpoint;

  constructor(scope: Construct, id: string, props: LambdaPrivateAccessProps) {
    super(scope, id);
    const { network, functions, principals, from, allowedCidrs = [], privateDns = true, organization } = props;
    requireSome('functions', functions, 'which may be called');
    requireSome('principals', principals, 'who may call');
    requireSome('from or allowedCidrs', [...from, ...allowedCidrs], 'from where');
    for (const { functionArn } of functions) requireOne('function', functionArn);
    for (const principal of principals) requireOne('principal', principal);
    for (const cidr of allowedCidrs) {
      // Also `10.0.0.0/00`.
      if (Number(cidr.split('/')[1]) === 0) {
        throw new Error(
          `An endpoint of Lambda is not for ${cidr}, which is everywhere: name the networks that are joined.`,
        );
      }
    }
    for (const fn of functions) {
      if (isUnqualified(fn)) {
        Annotations.of(this).addWarningV2(
          'greengrass-itsm:unqualified-function',
          `${fn.functionArn} is called as it was last written. Name an alias or a version.`,
        );
      }
    }
    this.endpoint = network.createEndpoint(this, 'Endpoint', InterfaceVpcEndpointAwsService.LAMBDA, {
      ...{ from, cidrs: allowedCidrs, privateDns, description: 'Callers to the endpoint of Lambda' },
    });
    const invoking = {
      actions: ['lambda:InvokeFunction'],
      resources: functions.map(({ functionArn }) => functionArn),
    };
    this.endpoint.addToPolicy(
      new PolicyStatement({ ...invoking, principals: principals.map((arn) => new ArnPrincipal(arn)) }),
    );
    if (organization === undefined) return;
    this.endpoint.addToPolicy(
      new PolicyStatement({
        ...{ ...invoking, effect: Effect.DENY, principals: [new AnyPrincipal()] },
        conditions: { StringNotEquals: { 'aws:PrincipalOrgID': organization } },
      }),
    );
  }
}

function requireSome(what: string, given: readonly unknown[], meaning: string): void {
  if (given.length === 0) throw new Error(`An endpoint of Lambda has no ${what}: name at least one, ${meaning}.`);
}

/** What is not known before it is deployed is one resource of the stack, whose token has no star. */
function requireOne(what: string, arn: string): void {
  if (!/[*?]/.test(arn)) return;
  throw new Error(
    `An endpoint of Lambda takes no pattern as a ${what}, and "${arn}" is one: name each by its whole ARN.`,
  );
}

/** A function as such, or its `$LATEST`; aliases and versions are neither. */
function isUnqualified(fn: { functionArn: string }): boolean {
  return fn instanceof LambdaFunction || /(:\$LATEST|:function:[^:]+)$/.test(fn.functionArn);
}
