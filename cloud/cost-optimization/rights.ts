import { consumesFrom, parksAt, type RightsTable } from '../shared/rights.ts';

export const rights: RightsTable = {
  UnpackRole: [
    ...consumesFrom('Packs'),
    { action: 's3:GetObject', on: 'Large/Objects/*' },
    { action: 's3:ListBucket', on: 'Large/Objects' },
    { action: 'dynamodb:BatchWriteItem', on: 'Items' },
    ...parksAt('Parking'),
  ],
};
