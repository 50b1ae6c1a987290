import { Duration } from 'aws-cdk-lib';
import { CfnSecurityGroup, FlowLogDestination, IpAddresses, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { CfnAccessPoint, CfnFileSystem, CfnMountTarget } from 'aws-cdk-lib/aws-efs';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { NodeFunction } from '../shared/node-function.ts';
import type { Stage } from '../stages.ts';
import { settingsOf } from './settings-of.ts';

/** Where functions find the file system. */
const mountPath = '/mnt/log';
const nfsPort = 2_049;
const cidr = '10.90.0.0/24';

/**
 * A file system of EFS in a network that leads nowhere, and the function that appends to the log on it. The function reaches
 * the file system and nothing else; Lambda itself takes its logs and traces.
 */
export class SharedLog extends Construct {
  readonly append: NodeFunction;

  constructor(scope: Construct, id: string, { stage, room }: { stage: Stage; room: string }) {
    super(scope, id);
    const flowLogs = new LogGroup(this, 'FlowLogs', { retention: stage.logDays, removalPolicy: stage.removalPolicy });
    const vpc = new Vpc(this, 'Network', {
      ...{ ipAddresses: IpAddresses.cidr(cidr), maxAzs: 2, natGateways: 0, restrictDefaultSecurityGroup: false },
      subnetConfiguration: [{ name: 'Isolated', subnetType: SubnetType.PRIVATE_ISOLATED }],
      flowLogs: { All: { destination: FlowLogDestination.toCloudWatchLogs(flowLogs) } },
    });
    const nfs = { ipProtocol: 'tcp', fromPort: nfsPort, toPort: nfsPort };
    const { vpcId } = vpc;
    const appending = new CfnSecurityGroup(this, 'Appending', {
      ...{ vpcId, groupDescription: 'Who appends to the log' },
      securityGroupEgress: [{ ...nfs, cidrIp: cidr, description: 'The file system' }],
    });
    const serving = new CfnSecurityGroup(this, 'Serving', {
      ...{ vpcId, groupDescription: 'The file system of the log' },
      securityGroupIngress: [
        { ...nfs, sourceSecurityGroupId: appending.attrGroupId, description: 'Who appends to the log' },
      ],
      // What answers needs no rule; nothing else goes out.
      securityGroupEgress: [
        { ipProtocol: 'icmp', fromPort: 252, toPort: 86, cidrIp: '255.255.255.255/32', description: 'Nothing' },
      ],
    });
    const files = new CfnFileSystem(this, 'Files', {
      ...{ encrypted: true, throughputMode: 'elastic', lifecyclePolicies: [{ transitionToIa: 'AFTER_30_DAYS' }] },
      // A policy that allows nothing lets in only whom IAM lets in; without any, whoever reaches it may mount it.
      fileSystemPolicy: {
        Version: '2012-10-17',
        Statement: [
          {
            ...{ Effect: 'Deny', Principal: { AWS: '*' }, Action: '*' },
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          },
        ],
      },
    });
    files.applyRemovalPolicy(stage.removalPolicy);
    const subnetIds = vpc.isolatedSubnets.map(({ subnetId }) => subnetId);
    const targets = subnetIds.map(
      (subnetId, index) =>
        new CfnMountTarget(this, `Target${index}`, {
          ...{ fileSystemId: files.ref, subnetId, securityGroups: [serving.attrGroupId] },
        }),
    );
    const accessPoint = new CfnAccessPoint(this, 'AccessPoint', {
      ...{ fileSystemId: files.ref, posixUser: { uid: '1000', gid: '1000' } },
      rootDirectory: { path: '/log', creationInfo: { ownerUid: '1000', ownerGid: '1000', permissions: '700' } },
    });
    this.append = new NodeFunction(this, 'Append', {
      ...{ stage, room, invoked: 'sync', timeout: Duration.seconds(30) },
      entry: new URL('./append.lambda.ts', import.meta.url),
      environment: { LOG_FOLDER: mountPath, KEPT_DAYS: String(stage.rawDataDays) },
    });
    this.mount(stage, { files, targets, accessPoint, subnetIds, appending });
  }

  /** By hand, as the CDK's own way grants more than it needs. */
  private mount(
    stage: Stage,
    at: {
      files: CfnFileSystem;
      targets: CfnMountTarget[];
      accessPoint: CfnAccessPoint;
      subnetIds: string[];
      appending: CfnSecurityGroup;
    },
  ): void {
    const settings = settingsOf(this.append);
    settings.vpcConfig = { subnetIds: at.subnetIds, securityGroupIds: [at.appending.attrGroupId] };
    settings.fileSystemConfigs = [{ arn: at.accessPoint.attrArn, localMountPath: mountPath }];
    settings.node.addDependency(...at.targets);
    // In a policy of its own, so that it stays one statement.
    const inNetwork = new Policy(this, 'NetworkInterfaces', {
      ...(this.append.role === undefined ? {} : { roles: [this.append.role] }),
      statements: [new PolicyStatement({ actions: networkInterfaces, resources: ['*'] })],
    });
    settings.node.addDependency(inNetwork);
    this.append.addToRolePolicy(
      new PolicyStatement({
        actions: ['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite'],
        resources: [at.files.attrArn],
        // The local account mounts nothing, and so knows no access point.
        ...(stage.name === 'local'
          ? {}
          : { conditions: { StringEquals: { 'elasticfilesystem:AccessPointArn': at.accessPoint.attrArn } } }),
      }),
    );
  }
}

/** What Lambda does with the role to have the function in the network. */
const networkInterfaces = [
  ...['AssignPrivateIpAddresses', 'CreateNetworkInterface', 'DeleteNetworkInterface', 'DescribeNetworkInterfaces'],
  ...['DescribeSubnets', 'UnassignPrivateIpAddresses'],
].map((operation) => `ec2:${operation}`);
