import type { Wildcard } from '../shared/wildcards.ts';

const accessLog = (bucket: string): Wildcard => ({
  path: `${bucket}/AccessLogs/Policy`,
  statement: 's3:PutObject',
  resource: `${bucket}/AccessLogs/*`,
  reason: 'S3 names the objects of an access log itself.',
});

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
