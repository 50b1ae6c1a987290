import { logsAndTraces, parksAt, type Right, type RightsTable } from '../shared/rights.ts';

const all = (actions: readonly string[], ...resources: readonly string[]): Right[] =>
  resources.flatMap((on) => actions.map((action) => ({ action, on })));

const glue = `arn:\${AWS::Partition}:glue:\${AWS::Region}:\${AWS::AccountId}`;
const catalogue = [`${glue}:catalog`, `${glue}:database/canvasdata_prod`, `${glue}:table/canvasdata_prod/*`];
const workgroup = `arn:\${AWS::Partition}:athena:\${AWS::Region}:\${AWS::AccountId}:workgroup/canvasdata-prod`;
const states = `arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}`;

export const rights: RightsTable = {
  PlanRole: [
    { action: 'secretsmanager:GetSecretValue', on: 'CanvasCredentials.Id' },
    { action: 's3:ListBucket', on: 'Raw/Objects' },
    { action: 's3:PutObject', on: 'Raw/Objects/manifests/*' },
    ...all(['glue:GetTable'], ...catalogue),
  ],
  FetchRole: [
    { action: 'secretsmanager:GetSecretValue', on: 'CanvasCredentials.Id' },
    { action: 's3:PutObject', on: 'Raw/Objects/raw_files/*' },
    ...parksAt('Parking'),
  ],
  ConcludeRole: [
    { action: 's3:ListBucket', on: 'Raw/Objects' },
    { action: 's3:GetObject', on: 'Raw/Objects/manifests/*' },
    { action: 's3:DeleteObject', on: 'Raw/Objects/raw_files/*' },
    ...all(['glue:CreateTable', 'glue:GetTable', 'glue:UpdateTable'], ...catalogue),
  ],
  ValidateRole: [
    { action: 's3:ListBucket', on: 'Raw/Objects' },
    { action: 's3:GetObject', on: 'Raw/Objects/raw_files/*' },
    { action: 's3:GetBucketLocation', on: 'Catalogue/Results/Objects' },
    ...all(['s3:GetObject', 's3:PutObject'], 'Catalogue/Results/Objects/*'),
    { action: 'athena:StartQueryExecution', on: workgroup },
    ...['athena:GetQueryExecution', 'athena:GetQueryResults'].flatMap((action): Right[] => [
      { action, on: workgroup, only: 'aws' },
      { action, on: '*', only: 'local' },
    ]),
    ...all(['glue:GetDatabase', 'glue:GetPartitions', 'glue:GetTable'], ...catalogue),
  ],
  ReportRole: [{ action: 'sns:Publish', on: 'Pulls' }],
  'Scheduled/EventsRole': [{ action: 'states:StartExecution', on: `${states}:stateMachine:canvas-data-pull-prod` }],
  'Pull/Role': [
    ...all(['lambda:InvokeFunction'], 'Conclude', 'Fetch', 'Plan', 'Report', 'Validate'),
    { action: 's3:GetObject', on: 'Raw/Objects/manifests/*' },
    { action: 'states:StartExecution', on: `${states}:stateMachine:canvas-data-pull-prod` },
    ...all(['states:DescribeExecution', 'states:StopExecution'], `${states}:execution:canvas-data-pull-prod/Files:*`),
    ...logsAndTraces,
  ],
};

const lake = `arn:\${AWS::Partition}:s3:::canvas-data-warehouse-\${AWS::AccountId}-prod`;

/** Those of the stack of the warehouse, which no test runs. */
export const warehouseRights: RightsTable = {
  DmsRole: [
    ...all(['s3:DeleteObject', 's3:PutObject', 's3:PutObjectTagging'], `${lake}/dms/*`),
    { action: 's3:ListBucket', on: lake },
    ...all(['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'], `\${SourceCredentialsArn}`),
  ],
  RedshiftRole: [
    ...all(['s3:GetObject'], `${lake}/raw_files/*`, `${lake}/dms/*`),
    { action: 's3:ListBucket', on: lake },
    ...all(['glue:GetDatabase', 'glue:GetPartitions', 'glue:GetTable', 'glue:GetTables'], ...catalogue),
  ],
  'Vpc/All/IAMRole': [...all(['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'], 'FlowLogs')],
};
