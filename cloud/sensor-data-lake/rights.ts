import { consumesFrom, parksAt, type RightsTable } from '../shared/rights.ts';

const all = (actions: readonly string[], on: string) => actions.map((action) => ({ action, on }));

export const rights: RightsTable = {
  ConvertRole: [
    ...consumesFrom('RawObjects'),
    { action: 's3:GetObject', on: 'Raw/Objects/*' },
    { action: 's3:ListBucket', on: 'Raw/Objects' },
    { action: 's3:PutObject', on: 'Processed/Objects/*' },
    ...parksAt('Parking'),
  ],
  'Readings/Role': [
    { action: 'firehose:PutRecord', on: 'Readings/Stream', only: 'aws' },
    { action: 'sqs:SendMessage', on: 'Readings/RuleErrors' },
  ],
  'Readings/ForwardRole': [
    { action: 'firehose:PutRecord', on: 'Readings/Stream', only: 'local' },
    { action: 'sqs:SendMessage', on: 'Readings/ForwardDeadLetters', only: 'local' },
  ],
  'Readings/DeliveryRole': [
    ...all(['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'], 'Raw/Objects/*'),
    ...all(['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'], 'Raw/Objects'),
    { action: 'logs:PutLogEvents', on: 'Readings/DeliveryLogs' },
  ],
};
