import { consumesFrom, parksAt, type RightsTable } from '../shared/rights.ts';
import { wildcards } from './wildcards.ts';

const all = (actions: readonly string[], on: string) => actions.map((action) => ({ action, on }));
/** Resources that are no construct's are said once, in wildcards.ts. */
const listed = (action: string) =>
  wildcards.find(({ statement, resource }) => statement.startsWith(action) && resource.startsWith('arn:'))?.resource ??
  action;
// biome-ignore lint/suspicious/noTemplateCurlyInString: pseudo parameters of CloudFormation
const job = 'arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:job/TaxiTransformationGlueJob';

export const rights: RightsTable = {
  StartJobsRole: [...consumesFrom('Uploads'), { action: 'glue:StartJobRun', on: job }, ...parksAt('Parking')],
  RefreshRole: [
    ...consumesFrom('Requests'),
    { action: 'sqs:SendMessage', on: 'Requests' },
    ...parksAt('Parking'),
    { action: 'dynamodb:GetItem', on: 'DataSetMap' },
    ...all(['dynamodb:GetItem', 'dynamodb:PutItem'], 'RefreshStates'),
    { action: 'glue:GetJobRun', on: job },
    { action: 's3:GetObject', on: 'Processed/Objects/manifests/*' },
    { action: 's3:ListBucket', on: 'Processed/Objects' },
    { action: 'quicksight:CreateIngestion', on: listed('quicksight:CreateIngestion') },
  ],
  'Job/Role': [
    { action: 's3:GetObject', on: listed('s3:GetObject') },
    { action: 's3:GetObject', on: 'Raw/Objects/raw/*' },
    ...all(['s3:DeleteObject', 's3:PutObject'], 'Processed/Objects/processed_taxi_data/*'),
    ...all(['s3:DeleteObject', 's3:PutObject'], 'Processed/Objects/rejects/*'),
    ...all(['s3:GetObject', 's3:PutObject'], 'Processed/Objects/manifests/*'),
    { action: 's3:ListBucket', on: 'Processed/Objects' },
    ...all(['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'], listed('logs:CreateLogGroup')),
  ],
};
