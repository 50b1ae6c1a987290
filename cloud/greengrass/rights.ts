import type { Right, RightsTable } from '../shared/rights.ts';

const of = (service: string, rest: string) =>
  `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${rest}`;
const bucket = `arn:\${AWS::Partition}:s3:::iot-blog-artifacts-\${AWS::AccountId}-\${AWS::Region}`;
const each = (on: string, ...actions: string[]): Right[] => actions.map((action) => ({ action, on }));

export const rights: RightsTable = {
  // What a core may do, through the role alias.
  TokenExchangeRole: [
    ...each(`${bucket}/com.iotblog.SensorMonitor/*`, 's3:GetObject'),
    ...each(`${bucket}/com.iotblog.AnomalyHandler/*`, 's3:GetObject'),
    ...each(bucket, 's3:GetBucketLocation'),
    ...each(of('secretsmanager', 'secret:greengrass-snow-creds-??????'), 'secretsmanager:GetSecretValue'),
    ...each(
      of('logs', 'log-group:/aws/greengrass/*'),
      ...['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
    ),
  ],
  'Fleet/HookRole': each('Fleet/Registry', 'dynamodb:UpdateItem'),
  // What AWS IoT may do in the name of the template.
  'Fleet/RegistrationRole': [
    ...each(of('iot', 'cert/*'), 'iot:AttachPolicy', 'iot:DescribeCertificate', 'iot:UpdateCertificate'),
    ...each(
      of('iot', 'thing/*'),
      ...['iot:AddThingToThingGroup', 'iot:CreateThing', 'iot:DescribeThing', 'iot:UpdateThing'],
      ...['iot:ListThingGroupsForThing', 'iot:ListThingPrincipals'],
    ),
    ...['IoT-blog-group', 'IoT-blog-group-devices'].flatMap((group) =>
      each(of('iot', `thinggroup/${group}`), 'iot:AddThingToThingGroup', 'iot:DescribeThingGroup'),
    ),
    ...['myGGPolicy', 'myGGPolicy-handler', 'myGGPolicy-monitor'].flatMap((policy) =>
      each(of('iot', `policy/${policy}`), 'iot:GetPolicy'),
    ),
    ...each(
      '*',
      ...['iot:AttachThingPrincipal', 'iot:ListAttachedPolicies', 'iot:ListPolicyPrincipals'],
      ...['iot:ListPrincipalPolicies', 'iot:ListPrincipalThings'],
    ),
  ],
};
