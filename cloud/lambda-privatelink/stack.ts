import { CfnOutput, Duration, Fn, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { CfnAlias } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { IsolatedNetwork } from '../shared/isolated-network.ts';
import { NodeFunction } from '../shared/node-function.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { aliasName, callLimits } from './contract.ts';
import { LambdaPrivateAccess } from './lambda-private-access.ts';
import { wildcards } from './wildcards.ts';

const room = 'lambda-privatelink';

export interface LambdaPrivateLinkProps {
  stage: Stage;
  /** Addresses of the network: a private range that the plant does not use. */
  networkCidr?: string;
  /** Networks of the plant, joined with this one, whose machines reach the endpoint; none where absent. */
  plantCidrs?: readonly string[];
  /** ARNs of roles and users, beside the caller's, that may call from there. */
  principals?: readonly string[];
  /** Id of the organisation, `o-…`, outside of which nobody may call. */
  organization?: string;
}

/** A function in a network without the Internet that calls another one: caller → interface endpoint → Lambda. */
export class LambdaPrivateLinkStack extends Stack {
  constructor(scope: Construct, props: LambdaPrivateLinkProps) {
    super(scope, 'LambdaPrivateLinkStack', { description: 'Private calls of Lambda: isolated network, endpoint' });
    const { stage, networkCidr = '10.97.0.0/24', plantCidrs = [], principals = [], organization } = props;
    const network = new IsolatedNetwork(this, 'Network', { stage, cidr: networkCidr });
    const callers = network.createGroup(this, 'Callers', 'Functions that call others through the endpoint');

    const answer = new NodeFunction(this, 'Answer', {
      ...{ stage, room, invoked: 'sync', timeout: Duration.seconds(3), memorySize: 128 },
      entry: new URL('./answer.lambda.ts', import.meta.url),
    });
    const live = new CfnAlias(this, 'Live', {
      name: aliasName,
      functionName: answer.functionName,
      functionVersion: answer.currentVersion.version,
    });

    const call = new NodeFunction(this, 'Call', {
      ...{ stage, room, invoked: 'sync', timeout: Duration.seconds(callLimits.timeoutSeconds) },
      entry: new URL('./call.lambda.ts', import.meta.url),
      environment: { TARGET_ARN: live.ref },
      network: { vpc: network.vpc, vpcSubnets: { subnets: network.vpc.isolatedSubnets }, securityGroups: [callers] },
    });
    call.addToRolePolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [live.ref] }));

    const callerArn = call.role?.roleArn ?? '';
    const { endpoint } = new LambdaPrivateAccess(this, 'Access', {
      ...{ network, functions: [{ functionArn: live.ref }], principals: [callerArn, ...principals] },
      ...{ from: [callers], allowedCidrs: plantCidrs },
      ...(organization === undefined ? {} : { organization }),
    });

    const outputs: Record<string, string> = {
      EndpointId: endpoint.vpcEndpointId,
      CallName: call.functionName,
      CallRoleArn: callerArn,
      CallRoleName: call.role?.roleName ?? '',
      AnswerArn: answer.functionArn,
      LiveArn: live.ref,
      // The local account gives an endpoint no names.
      ...(stage.name === 'local' ? {} : { EndpointNames: Fn.join(',', endpoint.vpcEndpointDnsEntries) }),
    };
    for (const [id, value] of Object.entries(outputs)) new CfnOutput(this, id, { value });
    allowWildcards(this, wildcards);
  }
}
