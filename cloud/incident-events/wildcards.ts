import { accessLog, type Wildcard } from '../shared/wildcards.ts';

export const wildcards: readonly Wildcard[] = [
  {
    path: 'IncidentEvents/Analytics/FunctionRole',
    statement: 's3:PutObject',
    resource: 'Lake/Objects/*',
    reason: 'Objects are named by their day and batch.',
  },
  ...['IncidentEvents/Opener/FunctionRole', 'Opener/TellDueRole'].map((path) => ({
    path,
    statement: 'secretsmanager:GetSecretValue',
    resource: `arn:\${AWS::Partition}:secretsmanager:\${AWS::Region}:\${AWS::AccountId}:secret:greengrass-snow-creds-??????`,
    reason: 'Secrets Manager puts six characters of its own behind the name.',
  })),
  accessLog('Lake'),
];
