import { accessLog, type Wildcard } from '../shared/wildcards.ts';

export const wildcards: readonly Wildcard[] = [
  {
    path: 'DeliveryRole',
    statement: 's3:AbortMultipartUpload, s3:GetObject, s3:PutObject',
    resource: 'Logs/Objects/*',
    reason: 'Firehose names its objects by their instant.',
  },
  accessLog('Logs'),
];
