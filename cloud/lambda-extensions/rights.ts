import type { RightsTable } from '../shared/rights.ts';

/** Six characters of the ARN are Secrets Manager's own. */
export const secretArn = `arn:\${AWS::Partition}:secretsmanager:\${AWS::Region}:\${AWS::AccountId}:secret:extensions-demo-creds-??????`;
const configuration = `arn:\${AWS::Partition}:appconfig:\${AWS::Region}:\${AWS::AccountId}:application/Application/environment/Environment/configuration/Profile/ConfigurationProfile`;

/** An extension has no role of its own: these are the rights of a function and of all that runs beside it. */
const readsConfiguration = ['appconfig:GetLatestConfiguration', 'appconfig:StartConfigurationSession'].map(
  (action) => ({ action, on: configuration }),
);

export const rights: RightsTable = {
  Settings1Role: readsConfiguration,
  Settings2Role: readsConfiguration,
  ShowSecretRole: [{ action: 'secretsmanager:GetSecretValue', on: secretArn }],
  // AppConfig itself, while a deployment goes on.
  RollbackRole: [{ action: 'cloudwatch:DescribeAlarms', on: '*' }],
};
