import { accessLog, type Wildcard } from '../shared/wildcards.ts';

export const wildcards: readonly Wildcard[] = [
  {
    path: 'ConvertRole',
    statement: 's3:GetObject',
    resource: 'Raw/Objects/*',
    reason: 'Firehose names its objects by their instant.',
  },
  {
    path: 'ConvertRole',
    statement: 's3:PutObject',
    resource: 'Processed/Objects/*',
    reason: 'Files are named by their day and raw object.',
  },
  {
    path: 'Readings/DeliveryRole',
    statement: 's3:AbortMultipartUpload, s3:GetObject, s3:PutObject',
    resource: 'Raw/Objects/*',
    reason: 'Firehose names its objects by their instant.',
  },
  accessLog('Raw'),
  accessLog('Processed'),
  accessLog('Catalogue/Results'),
];
