import type { Wildcard } from '../shared/wildcards.ts';
import { handlerComponent, monitorComponent } from './definition.ts';

const bucket = `arn:\${AWS::Partition}:s3:::iot-blog-artifacts-\${AWS::AccountId}-\${AWS::Region}`;
const of = (service: string, rest: string) =>
  `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${rest}`;

const thing = `\${iot:Connection.Thing.ThingName}`;
const nucleusTopics = ['greengrass*/health/json', 'jobs/*', 'shadow/*'].map((rest) => `$aws/things/${thing}/${rest}`);

export const wildcards: readonly Wildcard[] = [
  ...[monitorComponent, handlerComponent].map((component) => ({
    path: 'TokenExchangeRole',
    statement: 's3:GetObject',
    resource: `${bucket}/${component}/*`,
    reason: 'A core fetches the versions and architectures of a component, those of before for a roll-back.',
  })),
  {
    path: 'TokenExchangeRole',
    statement: 'logs:CreateLogGroup, logs:CreateLogStream, logs:DescribeLogStreams, logs:PutLogEvents',
    resource: of('logs', 'log-group:/aws/greengrass/*'),
    reason: 'The nucleus names a log group for each component, those of AWS too.',
  },
  {
    path: 'TokenExchangeRole',
    statement: 'secretsmanager:GetSecretValue',
    resource: of('secretsmanager', 'secret:greengrass-snow-creds-??????'),
    reason: 'Secrets Manager puts six characters of its own behind the name.',
  },
  {
    path: 'Fleet/RegistrationRole',
    statement: 'iot:AttachPolicy, iot:DescribeCertificate, iot:UpdateCertificate',
    resource: of('iot', 'cert/*'),
    reason: 'A certificate has the id that AWS IoT gives it when it is signed.',
  },
  {
    path: 'Fleet/RegistrationRole',
    statement:
      'iot:AddThingToThingGroup, iot:CreateThing, iot:DescribeThing, iot:ListThingGroupsForThing, iot:ListThingPrincipals, iot:UpdateThing',
    resource: of('iot', 'thing/*'),
    reason: 'The registry says what a thing is called.',
  },
  {
    path: 'Fleet/RegistrationRole',
    statement:
      'iot:AttachThingPrincipal, iot:ListAttachedPolicies, iot:ListPolicyPrincipals, iot:ListPrincipalPolicies, iot:ListPrincipalThings',
    resource: '*',
    reason: 'AWS IoT knows no resource that these actions could be granted on.',
  },
  ...['CorePolicy', 'MonitorPolicy', 'HandlerPolicy'].map((path) => ({
    path,
    statement: 'iot:Connect',
    resource: of('iot', `client/${thing}#*`),
    reason: 'Further clients of one thing are told apart by what follows the #; a thing’s name has none.',
  })),
  ...nucleusTopics.flatMap((topic) => [
    {
      path: 'CorePolicy',
      statement: 'iot:Publish, iot:Receive',
      resource: of('iot', `topic/${topic}`),
      reason: 'Jobs and shadows have topics of many names below the thing’s own, which is named.',
    },
    {
      path: 'CorePolicy',
      statement: 'iot:Subscribe',
      resource: of('iot', `topicfilter/${topic}`),
      reason: 'Jobs and shadows have topics of many names below the thing’s own, which is named.',
    },
  ]),
  {
    path: 'CorePolicy',
    statement:
      'greengrass:GetComponentVersionArtifact, greengrass:GetDeploymentConfiguration, greengrass:ListThingGroupsForCoreDevice, greengrass:ResolveComponentCandidates',
    resource: '*',
    reason: 'An IoT policy knows nothing narrower for these calls; a core gets what is deployed to it.',
  },
  {
    path: 'HandlerPolicy',
    statement: 'iot:Receive',
    resource: of('iot', 'topic/IoTBlog/status/*'),
    reason: 'A handler hears the status of every device.',
  },
  {
    path: 'Fleet/ClaimPolicy',
    statement: 'iot:Connect',
    resource: of('iot', 'client/claim-*'),
    reason: 'Devices of one batch share a claim and connect as claim- and their serial number.',
  },
];
