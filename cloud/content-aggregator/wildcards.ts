import { accessLog, type Wildcard } from '../shared/wildcards.ts';

const reason = 'Objects are named by the version of the content file.';

export const wildcards: readonly Wildcard[] = [
  { path: 'GetRepoContentsRole', statement: 's3:PutObject', resource: 'Known/Objects/known/*', reason },
  { path: 'CompareAgainstRepoRole', statement: 's3:GetObject', resource: 'Known/Objects/known/*', reason },
  {
    path: 'Aggregate/Role',
    statement:
      'logs:CreateLogDelivery, logs:DeleteLogDelivery, logs:DescribeLogGroups, logs:DescribeResourcePolicies, logs:GetLogDelivery, logs:ListLogDeliveries, logs:PutResourcePolicy, logs:UpdateLogDelivery, xray:GetSamplingRules, xray:GetSamplingTargets',
    resource: '*',
    reason: 'Deliveries of logs and X-Ray know no resource.',
  },
  accessLog('Known'),
];
