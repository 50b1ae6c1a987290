import { CfnCondition, CfnParameter, CfnResource, Fn, Stack } from 'aws-cdk-lib';
import {
  CfnEndpoint,
  CfnReplicationInstance,
  CfnReplicationSubnetGroup,
  CfnReplicationTask,
} from 'aws-cdk-lib/aws-dms';
import {
  CfnSecurityGroup,
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  IpAddresses,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Grant, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnCluster, CfnClusterParameterGroup, CfnClusterSubnetGroup } from 'aws-cdk-lib/aws-redshift';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge.ts';
import { LakeBucket } from '../shared/lake-bucket.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { allowedColumns } from './allowed-columns.ts';
import { tableMappings } from './table-mappings.ts';
import { warehouseWildcards } from './wildcards.ts';

export interface StudentWarehouseProps {
  stage: Stage;
  environment?: string;
  /** Schema of the source database. */
  schemaName?: string;
}

/** Where the warehouse listens: not the default, which everybody tries first. */
const port = 8_192;

/**
 * The other half of the post, as a template: DMS copies tables of a database on the campus into the lake, Redshift reads the
 * lake. About 850 $ a month from the first hour, so all but a log group stands under a parameter that is `no` by default.
 */
export class StudentWarehouseStack extends Stack {
  constructor(scope: Construct, props: StudentWarehouseProps) {
    super(scope, 'StudentWarehouseStack', {
      description: 'Copies of a campus database by DMS, and Redshift on the lake',
    });
    const { stage, environment = 'prod', schemaName = 'public' } = props;
    const wanted = new CfnParameter(this, 'CreateWarehouse', { allowedValues: ['yes', 'no'], default: 'no' });
    const secretArn = new CfnParameter(this, 'SourceCredentialsArn', {
      description: 'Secret with host, port, username and password of the source database',
      default: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:source',
    });
    const condition = new CfnCondition(this, 'WarehouseWanted', {
      expression: Fn.conditionEquals(wanted.valueAsString, 'yes'),
    });
    const lake = Bucket.fromBucketName(this, 'Lake', `canvas-data-warehouse-${this.account}-${environment}`);

    const flowLogs = new LogGroup(this, 'FlowLogs', { retention: stage.logDays, removalPolicy: stage.removalPolicy });
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.20.0.0/24'),
      maxAzs: 2,
      natGateways: 0,
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [{ name: 'Isolated', subnetType: SubnetType.PRIVATE_ISOLATED }],
      gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
      flowLogs: { All: { destination: FlowLogDestination.toCloudWatchLogs(flowLogs) } },
    });
    const subnetIds = vpc.isolatedSubnets.map(({ subnetId }) => subnetId);
    const { vpcId } = vpc;
    const replicating = new CfnSecurityGroup(this, 'Replicating', { vpcId, groupDescription: 'Replication instance' });
    const loading = {
      ...{ ipProtocol: 'tcp', fromPort: port, toPort: port, sourceSecurityGroupId: replicating.attrGroupId },
      description: 'Loading from the replication instance',
    };
    const serving = new CfnSecurityGroup(this, 'Serving', {
      ...{ vpcId, groupDescription: 'Warehouse', securityGroupIngress: [loading] },
    });

    this.replication({ lake, secretArn: secretArn.valueAsString, subnetIds, replicating, schemaName });
    this.warehouse({ stage, environment, lake, subnetIds, serving });

    for (const node of this.node.findAll()) {
      if (node instanceof CfnResource && node !== flowLogs.node.defaultChild) node.cfnOptions.condition = condition;
    }
    allowWildcards(this, warehouseWildcards);
  }

  private replication({
    lake,
    secretArn,
    subnetIds,
    replicating,
    schemaName,
  }: {
    lake: ReturnType<typeof Bucket.fromBucketName>;
    secretArn: string;
    subnetIds: string[];
    replicating: CfnSecurityGroup;
    schemaName: string;
  }): void {
    const role = new Role(this, 'DmsRole', { assumedBy: new ServicePrincipal(`dms.${this.region}.amazonaws.com`) });
    const grant = (actions: string[], ...resourceArns: string[]) =>
      Grant.addToPrincipal({ grantee: role, actions, resourceArns });
    grant(['s3:DeleteObject', 's3:PutObject', 's3:PutObjectTagging'], lake.arnForObjects('dms/*'));
    grant(['s3:ListBucket'], lake.bucketArn);
    grant(['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'], secretArn);
    const subnets = new CfnReplicationSubnetGroup(this, 'ReplicationSubnets', {
      replicationSubnetGroupDescription: 'Isolated subnets',
      subnetIds,
    });
    const instance = new CfnReplicationInstance(this, 'ReplicationInstance', {
      replicationInstanceClass: 'dms.t3.medium',
      allocatedStorage: 50,
      multiAz: false,
      publiclyAccessible: false,
      autoMinorVersionUpgrade: true,
      replicationSubnetGroupIdentifier: subnets.ref,
      vpcSecurityGroupIds: [replicating.attrGroupId],
    });
    const source = new CfnEndpoint(this, 'Source', {
      endpointType: 'source',
      engineName: 'postgres',
      databaseName: 'sis',
      sslMode: 'require',
      postgreSqlSettings: { secretsManagerSecretId: secretArn, secretsManagerAccessRoleArn: role.roleArn },
    });
    const target = new CfnEndpoint(this, 'Target', {
      endpointType: 'target',
      engineName: 's3',
      s3Settings: {
        bucketName: lake.bucketName,
        bucketFolder: 'dms',
        dataFormat: 'parquet',
        encryptionMode: 'sse-s3',
        serviceAccessRoleArn: role.roleArn,
      },
    });
    new CfnReplicationTask(this, 'DailySnapshot', {
      migrationType: 'full-load',
      replicationInstanceArn: instance.ref,
      sourceEndpointArn: source.ref,
      targetEndpointArn: target.ref,
      tableMappings: JSON.stringify(tableMappings(schemaName, allowedColumns)),
    });
  }

  private warehouse({
    stage,
    environment,
    lake,
    subnetIds,
    serving,
  }: {
    stage: Stage;
    environment: string;
    lake: ReturnType<typeof Bucket.fromBucketName>;
    subnetIds: string[];
    serving: CfnSecurityGroup;
  }): void {
    const role = new Role(this, 'RedshiftRole', { assumedBy: new ServicePrincipal('redshift.amazonaws.com') });
    const grant = (actions: string[], ...resourceArns: string[]) =>
      Grant.addToPrincipal({ grantee: role, actions, resourceArns });
    const database = `canvasdata_${environment}`;
    const arn = (resource: string, resourceName?: string) =>
      this.formatArn({ service: 'glue', resource, ...(resourceName === undefined ? {} : { resourceName }) });
    grant(['s3:GetObject'], lake.arnForObjects('raw_files/*'), lake.arnForObjects('dms/*'));
    grant(['s3:ListBucket'], lake.bucketArn);
    grant(
      ['glue:GetDatabase', 'glue:GetPartitions', 'glue:GetTable', 'glue:GetTables'],
      arn('catalog'),
      arn('database', database),
      arn('table', `${database}/*`),
    );
    const logs = new LakeBucket(this, 'AuditLogs', { stage });
    const parameters = new CfnClusterParameterGroup(this, 'Parameters', {
      description: 'TLS only, statements logged',
      parameterGroupFamily: 'redshift-1.0',
      parameters: [
        { parameterName: 'require_ssl', parameterValue: 'true' },
        { parameterName: 'enable_user_activity_logging', parameterValue: 'true' },
      ],
    });
    const subnets = new CfnClusterSubnetGroup(this, 'WarehouseSubnets', { description: 'Isolated subnets', subnetIds });
    const cluster = new CfnCluster(this, 'Warehouse', {
      clusterType: 'multi-node',
      numberOfNodes: 2,
      nodeType: 'ra3.large',
      dbName: 'canvas',
      masterUsername: 'warehouse_owner',
      manageMasterPassword: true,
      port,
      encrypted: true,
      publiclyAccessible: false,
      enhancedVpcRouting: true,
      allowVersionUpgrade: true,
      automatedSnapshotRetentionPeriod: 7,
      iamRoles: [role.roleArn],
      clusterParameterGroupName: parameters.ref,
      clusterSubnetGroupName: subnets.ref,
      vpcSecurityGroupIds: [serving.attrGroupId],
      loggingProperties: { bucketName: logs.bucket.bucketName, s3KeyPrefix: 'audit/' },
    });
    cluster.applyRemovalPolicy(stage.removalPolicy);
    acknowledge(cluster, 'AwsSolutions-RS5', 'The account encrypts it with the key of the service.');
  }
}
