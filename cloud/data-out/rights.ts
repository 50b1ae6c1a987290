import { consumesFrom, parksAt, type RightsTable } from '../shared/rights.ts';

const queues = ['Slices-readings-csv', 'Slices-history-csv', 'Slices-recording-json'];

export const rights: RightsTable = {
  PlanRole: [
    ...consumesFrom('Objects'),
    ...parksAt('Parking'),
    ...queues.flatMap(parksAt),
    { action: 'dynamodb:PutItem', on: 'Work' },
  ],
  DeliverRole: [
    ...queues.flatMap(consumesFrom),
    ...parksAt('Parking'),
    { action: 'dynamodb:GetItem', on: 'Work' },
    { action: 'dynamodb:UpdateItem', on: 'Work' },
    { action: 's3:ListBucket', on: 'Source/Objects' },
    { action: 's3:GetObject', on: 'Source/Objects/*' },
    { action: 's3:PutObject', on: 'Delivered/Objects/*' },
    { action: 's3:AbortMultipartUpload', on: 'Delivered/Objects/*' },
  ],
};
