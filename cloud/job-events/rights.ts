import { consumesFrom, parksAt, type RightsTable } from '../shared/rights.ts';

export const rights: RightsTable = {
  'JobChanges/FunctionRole': [
    ...consumesFrom('JobChanges/Queue'),
    ...parksAt('JobChanges/Parking'),
    { action: 'sns:Publish', on: 'JobEvents/Topic' },
  ],
  'JobEvents/Analytics/FunctionRole': [
    ...consumesFrom('JobEvents/Analytics/Queue'),
    ...parksAt('JobEvents/Analytics/Parking'),
    { action: 's3:PutObject', on: 'Lake/Objects/*' },
  ],
  'JobEvents/Inventory/FunctionRole': [
    ...consumesFrom('JobEvents/Inventory/Queue'),
    ...parksAt('JobEvents/Inventory/Parking'),
    { action: 'dynamodb:PutItem', on: 'InventoryTable' },
    { action: 'dynamodb:UpdateItem', on: 'InventoryTable' },
  ],
};
