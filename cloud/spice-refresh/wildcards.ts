import { accessLog, type Wildcard } from '../shared/wildcards.ts';

export const wildcards: readonly Wildcard[] = [
  {
    path: 'Job/Role',
    statement: 's3:GetObject',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: pseudo parameters of CloudFormation
    resource: 'arn:${AWS::Partition}:s3:::cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}/*',
    reason: 'The CDK names script and SQL by their content.',
  },
  {
    path: 'Job/Role',
    statement: 's3:GetObject',
    resource: 'Raw/Objects/raw/*',
    reason: 'Raw files are named by those who upload them.',
  },
  ...['processed_taxi_data', 'rejects'].map((prefix) => ({
    path: 'Job/Role',
    statement: 's3:DeleteObject, s3:PutObject',
    resource: `Processed/Objects/${prefix}/*`,
    reason: 'Files are named by their day and raw file; those that a raw file no longer has are deleted.',
  })),
  {
    path: 'Job/Role',
    statement: 's3:GetObject, s3:PutObject',
    resource: 'Processed/Objects/manifests/*',
    reason: 'Manifests are named by their raw file.',
  },
  {
    path: 'Job/Role',
    statement: 'logs:CreateLogGroup, logs:CreateLogStream, logs:PutLogEvents',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: pseudo parameters of CloudFormation
    resource: 'arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws-glue/python-jobs/*',
    reason: 'All Python-shell jobs of an account share two log groups, and Glue names their streams by the run.',
  },
  {
    path: 'RefreshRole',
    statement: 's3:GetObject',
    resource: 'Processed/Objects/manifests/*',
    reason: 'Manifests are named by their raw file.',
  },
  {
    path: 'RefreshRole',
    statement: 'quicksight:CreateIngestion',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: pseudo parameters of CloudFormation
    resource: 'arn:${AWS::Partition}:quicksight:${AWS::Region}:${AWS::AccountId}:dataset/*/ingestion/*',
    reason: 'Which data sets there are, the map says, which is a table.',
  },
  accessLog('Raw'),
  accessLog('Processed'),
  accessLog('Catalogue/Results'),
];
