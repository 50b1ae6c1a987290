import { accessLog, machineRole, type Wildcard } from '../shared/wildcards.ts';

const manifests = 'Manifests are named by their execution.';
const files = 'Files are named by their table and by Canvas.';
const tables = (path: string, statement: string): Wildcard => ({
  path,
  statement,
  resource: `arn:\${AWS::Partition}:glue:\${AWS::Region}:\${AWS::AccountId}:table/canvasdata_prod/*`,
  reason: 'Tables are named by the allow-list, which changes without the stack.',
});

export const wildcards: readonly Wildcard[] = [
  { path: 'PlanRole', statement: 's3:PutObject', resource: 'Raw/Objects/manifests/*', reason: manifests },
  tables('PlanRole', 'glue:GetTable'),
  { path: 'FetchRole', statement: 's3:PutObject', resource: 'Raw/Objects/raw_files/*', reason: files },
  { path: 'ConcludeRole', statement: 's3:GetObject', resource: 'Raw/Objects/manifests/*', reason: manifests },
  { path: 'ConcludeRole', statement: 's3:DeleteObject', resource: 'Raw/Objects/raw_files/*', reason: files },
  tables('ConcludeRole', 'glue:CreateTable, glue:GetTable, glue:UpdateTable'),
  { path: 'ValidateRole', statement: 's3:GetObject', resource: 'Raw/Objects/raw_files/*', reason: files },
  tables('ValidateRole', 'glue:GetDatabase, glue:GetPartitions, glue:GetTable'),
  {
    path: 'ValidateRole',
    statement: 's3:GetObject, s3:PutObject',
    resource: 'Catalogue/Results/Objects/*',
    reason: 'Athena names its results itself.',
  },
  { path: 'Pull/Role', statement: 's3:GetObject', resource: 'Raw/Objects/manifests/*', reason: manifests },
  {
    path: 'Pull/Role',
    statement: 'states:DescribeExecution, states:StopExecution',
    resource: `arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}:execution:canvas-data-pull-prod/Files:*`,
    reason: 'Step Functions names the execution of each file itself.',
  },
  machineRole('Pull/Role'),
  accessLog('Raw'),
  accessLog('Catalogue/Results'),
];

const lake = `arn:\${AWS::Partition}:s3:::canvas-data-warehouse-\${AWS::AccountId}-prod`;
const reads = { path: 'RedshiftRole', statement: 's3:GetObject' };

/** Those of the stack of the warehouse. */
export const warehouseWildcards: readonly Wildcard[] = [
  {
    path: 'DmsRole',
    statement: 's3:DeleteObject, s3:PutObject, s3:PutObjectTagging',
    resource: `${lake}/dms/*`,
    reason: 'DMS names its files itself.',
  },
  { ...reads, resource: `${lake}/raw_files/*`, reason: files },
  { ...reads, resource: `${lake}/dms/*`, reason: 'DMS names its files itself.' },
  tables('RedshiftRole', 'glue:GetDatabase, glue:GetPartitions, glue:GetTable, glue:GetTables'),
  accessLog('AuditLogs'),
];
