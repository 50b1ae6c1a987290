import { accessLog, type Wildcard } from '../shared/wildcards.ts';

export const wildcards: readonly Wildcard[] = [
  accessLog('Source'),
  accessLog('Delivered'),
  {
    path: 'DeliverRole',
    statement: 's3:GetObject',
    resource: 'Source/Objects/*',
    reason: 'Whoever exports names the objects.',
  },
  {
    path: 'DeliverRole',
    statement: 's3:AbortMultipartUpload, s3:PutObject',
    resource: 'Delivered/Objects/*',
    reason: 'The files of a slice are named after the object that it is of.',
  },
];
