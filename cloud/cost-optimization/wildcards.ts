import { accessLog, type Wildcard } from '../shared/wildcards.ts';

export const wildcards: readonly Wildcard[] = [
  {
    path: 'UnpackRole',
    statement: 's3:GetObject',
    resource: 'Large/Objects/*',
    reason: 'Items that are too large for a message are named by who sends them.',
  },
  accessLog('Large'),
];
