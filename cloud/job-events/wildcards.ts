import { accessLog, type Wildcard } from '../shared/wildcards.ts';

export const wildcards: readonly Wildcard[] = [
  {
    path: 'JobEvents/Analytics/FunctionRole',
    statement: 's3:PutObject',
    resource: 'Lake/Objects/*',
    reason: 'Objects are named by their day and batch.',
  },
  accessLog('Lake'),
];
