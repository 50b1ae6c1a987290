import {
  FlowLogDestination,
  FlowLogTrafficType,
  InterfaceVpcEndpoint,
  type InterfaceVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Stage } from '../stages.ts';
import type { Right } from './rights.ts';

export interface IsolatedNetworkProps {
  stage: Stage;
  /** Private range of its addresses, which overlaps with no network that it is to be joined with. */
  cidr: string;
}

export interface EndpointProps {
  description: string;
  /** Groups inside, which may reach it from now on. */
  from: readonly SecurityGroup[];
  /** Ranges of networks that are joined with this one. */
  cidrs?: readonly string[];
  /** Whether the service's own name leads to it inside the network; default yes. */
  privateDns?: boolean;
}

/**
 * A network without a way to or from the Internet: isolated subnets in two zones, neither NAT nor gateway, and a log of all
 * its flows. What is inside reaches a service of AWS through an interface endpoint, or not at all.
 */
export class IsolatedNetwork extends Construct {
  readonly vpc: IVpc;

  constructor(scope: Construct, id: string, { stage, cidr }: IsolatedNetworkProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, 'FlowLog', { retention: stage.logDays, removalPolicy: stage.removalPolicy });
    const role = new Role(this, 'FlowLogRole', { assumedBy: new ServicePrincipal('vpc-flow-logs.amazonaws.com') });
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(cidr),
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'isolated', subnetType: SubnetType.PRIVATE_ISOLATED }],
      // Nothing is ever in the default group; emptying it takes a function of its own with rights on every group.
      restrictDefaultSecurityGroup: false,
      flowLogs: {
        All: {
          destination: FlowLogDestination.toCloudWatchLogs(logGroup, role),
          trafficType: FlowLogTrafficType.ALL,
        },
      },
    });
    // By its ids, as the type of a Vpc is not quite that of an IVpc.
    this.vpc = Vpc.fromVpcAttributes(this, 'Known', {
      ...{ vpcId: vpc.vpcId, vpcCidrBlock: cidr, availabilityZones: vpc.availabilityZones },
      isolatedSubnetIds: vpc.isolatedSubnets.map(({ subnetId }) => subnetId),
      isolatedSubnetRouteTableIds: vpc.isolatedSubnets.map(({ routeTable }) => routeTable.routeTableId),
    });
  }

  /** A group that lets nothing in and nothing out until a rule says so. */
  createGroup(scope: Construct, id: string, description: string): SecurityGroup {
    return new SecurityGroup(scope, id, { vpc: this.vpc, description, allowAllOutbound: false });
  }

  /** An endpoint in every zone that takes HTTPS from these groups and ranges alone. */
  createEndpoint(
    scope: Construct,
    id: string,
    service: InterfaceVpcEndpointAwsService,
    props: EndpointProps,
  ): InterfaceVpcEndpoint {
    const { description, from, cidrs = [], privateDns = true } = props;
    const group = this.createGroup(scope, `${id}Group`, description);
    for (const peer of from) {
      group.addIngressRule(peer, Port.HTTPS, description);
      peer.addEgressRule(group, Port.HTTPS, description);
    }
    for (const cidr of cidrs) group.addIngressRule(Peer.ipv4(cidr), Port.HTTPS, description);
    return new InterfaceVpcEndpoint(scope, id, {
      ...{ vpc: this.vpc, service, privateDnsEnabled: privateDns, open: false },
      securityGroups: [group],
    });
  }
}

/** What writes the flow log of a network. */
export function logsFlows(network: string): Readonly<Record<string, readonly Right[]>> {
  return {
    [`${network}/FlowLogRole`]: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'].map(
      (action) => ({ action, on: `${network}/FlowLog` }),
    ),
  };
}
