import { createServer } from 'node:http';
import { CloudFormationClient, CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CreateRoleCommand, DeleteRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateFunctionCommand, DeleteFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { lackingTypes } from '../shared/lacking-types.ts';
import { account, client } from './clients.ts';
import { eventually } from './eventually.ts';
import { http } from './http-request.ts';

/**
 * What the local account cannot do (cloud/gaps.ts, cloud/shared/lacking-types.ts). Each probe holds as long as that is so; where one
 * fails, the account has learnt something, and an entry of those lists has to go.
 */
const refused = (type: string) =>
  expect(
    client(CloudFormationClient).send(
      new CreateStackCommand({
        StackName: `probe-${type.replaceAll('::', '-')}`,
        TemplateBody: JSON.stringify({ Resources: { Probe: { Type: type } } }),
      }),
    ),
  ).rejects.toThrow(`Unrecognized resource types: [${type}]`);

/** Runs a handler once, as a function of the account. */
async function answerOf(name: string, handler: string, settings: object): Promise<unknown> {
  const [lambda, iam] = [client(LambdaClient), client(IAMClient)];
  const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
  await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument }));
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(handler), 'index.mjs');
  zip.end();
  const chunks: Uint8Array[] = [];
  for await (const chunk of zip.outputStream) chunks.push(Buffer.from(chunk));
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role: `arn:aws:iam::${account.id}:role/${name}`,
      Code: { ZipFile: Buffer.concat(chunks) },
      ...settings,
    }),
  );
  try {
    const { Payload } = await lambda.send(new InvokeCommand({ FunctionName: name }));
    return JSON.parse(Buffer.from(Payload ?? []).toString());
  } finally {
    await lambda.send(new DeleteFunctionCommand({ FunctionName: name }));
    await iam.send(new DeleteRoleCommand({ RoleName: name }));
  }
}

/** Address of a distribution before a server on loopback, with a web ACL that lets nothing through. */
async function distributionBlockingAll(port: number): Promise<string> {
  const cloudFormation = client(CloudFormationClient);
  const StackName = 'probe-distribution';
  const Resources = {
    Acl: {
      Type: 'AWS::WAFv2::WebACL',
      Properties: {
        ...{ Name: 'probe', Scope: 'CLOUDFRONT', DefaultAction: { Block: {} }, Rules: [] },
        VisibilityConfig: { SampledRequestsEnabled: false, CloudWatchMetricsEnabled: false, MetricName: 'probe' },
      },
    },
    Distribution: {
      Type: 'AWS::CloudFront::Distribution',
      Properties: {
        DistributionConfig: {
          Enabled: true,
          WebACLId: { 'Fn::GetAtt': ['Acl', 'Arn'] },
          Origins: [
            {
              ...{ Id: 'origin', DomainName: '127.0.0.1' },
              CustomOriginConfig: { OriginProtocolPolicy: 'http-only', HTTPPort: port },
            },
          ],
          DefaultCacheBehavior: {
            ...{ TargetOriginId: 'origin', ViewerProtocolPolicy: 'allow-all' },
            ForwardedValues: { QueryString: false },
          },
        },
      },
    },
  };
  const Outputs = { Domain: { Value: { 'Fn::GetAtt': ['Distribution', 'DomainName'] } } };
  await cloudFormation.send(
    new CreateStackCommand({ StackName, TemplateBody: JSON.stringify({ Resources, Outputs }) }),
  );
  return eventually(async () => {
    const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
    expect(Stacks?.[0]).toMatchObject({ StackStatus: 'CREATE_COMPLETE' });
    return Stacks?.[0]?.Outputs?.[0]?.OutputValue ?? '';
  });
}

describe.runIf(account.isLocal)('gaps', () => {
  /** Of a service that lacks as a whole, the type that the rooms use. */
  const oneOf: Record<string, string> = {
    'AWS::AmazonMQ::': 'AWS::AmazonMQ::Broker',
    'AWS::ApplicationAutoScaling::': 'AWS::ApplicationAutoScaling::ScalableTarget',
    'AWS::CodePipeline::': 'AWS::CodePipeline::Pipeline',
    'AWS::DMS::': 'AWS::DMS::ReplicationTask',
    'AWS::GreengrassV2::': 'AWS::GreengrassV2::ComponentVersion',
    'AWS::QuickSight::': 'AWS::QuickSight::DataSet',
    'AWS::Redshift::': 'AWS::Redshift::Cluster',
    'AWS::ServiceCatalog::': 'AWS::ServiceCatalog::CloudFormationProvisionedProduct',
  };

  it.each(lackingTypes)('type: %s cannot be created', (type) => refused(oneOf[type] ?? type));

  it('probe: amazon-mq-mapping: a broker cannot be created, so there is no queue to map', () =>
    refused('AWS::AmazonMQ::Broker'));

  it('probe: service-catalog-provisioning: a product cannot be provisioned', () =>
    refused('AWS::ServiceCatalog::CloudFormationProvisionedProduct'));

  it('probe: quicksight-ingestion-status: no data set can be created that would be ingested into', () =>
    refused('AWS::QuickSight::DataSet'));

  it('probe: dms: a replication task cannot be created', () => refused('AWS::DMS::ReplicationTask'));

  it('probe: redshift: a cluster cannot be created', () => refused('AWS::Redshift::Cluster'));

  it('probe: waf-data-plane: a CloudFront distribution serves what its web ACL blocks, and before an API none can be put', async () => {
    await refused('AWS::WAFv2::WebACLAssociation');
    const origin = createServer((_request, response) => response.end('from the origin'));
    await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
    const address = origin.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const domain = await distributionBlockingAll(port);
    expect(await http(`${account.endpoint}/`, { headers: { host: domain } })).toMatchObject({
      status: 200,
      body: 'from the origin',
    });
    origin.close();
  });

  it('probe: privatelink-network: a function in a subnet without any route reaches the account all the same', async () => {
    const handler = `export const handler = async () => (await fetch(process.env.AWS_ENDPOINT_URL + '/_ministack/ready')).status;`;
    const VpcConfig = { SubnetIds: ['subnet-0123456789abcdef0'], SecurityGroupIds: ['sg-0123456789abcdef0'] };
    expect(await answerOf('probe-network', handler, { VpcConfig })).toBe(200);
  });

  it('probe: efs-mount: a function finds nothing where its file system should be', async () => {
    const LocalMountPath = '/mnt/probe';
    const handler = `import { existsSync } from 'node:fs'; export const handler = async () => existsSync('${LocalMountPath}');`;
    const Arn = `arn:aws:elasticfilesystem:${account.region}:${account.id}:access-point/fsap-0123456789abcdef0`;
    expect(await answerOf('probe-mount', handler, { FileSystemConfigs: [{ Arn, LocalMountPath }] })).toBe(false);
  });
});
