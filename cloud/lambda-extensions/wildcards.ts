import type { Wildcard } from '../shared/wildcards.ts';
import { secretArn } from './rights.ts';

export const wildcards: readonly Wildcard[] = [
  {
    path: 'ShowSecretRole',
    statement: 'secretsmanager:GetSecretValue',
    resource: secretArn,
    reason: 'Secrets Manager puts six characters of its own behind the name.',
  },
  {
    path: 'RollbackRole',
    statement: 'cloudwatch:DescribeAlarms',
    resource: '*',
    reason: 'AppConfig describes alarms without naming one, says its documentation of the role.',
  },
];
