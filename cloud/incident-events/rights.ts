import { consumesFrom, parksAt, type Right, type RightsTable } from '../shared/rights.ts';

/** Six characters of the ARN are Secrets Manager's own. */
const secret = `arn:\${AWS::Partition}:secretsmanager:\${AWS::Region}:\${AWS::AccountId}:secret:greengrass-snow-creds-??????`;

/** Both functions of the opener tell. */
const tells: Right[] = [
  ...['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'].map((action) => ({ action, on: 'Opener/State' })),
  { action: 'secretsmanager:GetSecretValue', on: secret },
  ...parksAt('IncidentEvents/Opener/Parking'),
];

export const rights: RightsTable = {
  'Anomaly/Role': [{ action: 'sqs:SendMessage', on: 'Anomaly/RuleErrors' }],
  'Anomaly/TranslateRole': [
    { action: 'sns:Publish', on: 'IncidentEvents/Topic' },
    { action: 'sqs:SendMessage', on: 'Anomaly/TranslateDeadLetters' },
    ...parksAt('Anomaly/Parking'),
  ],
  'IncidentEvents/Analytics/FunctionRole': [
    ...consumesFrom('IncidentEvents/Analytics/Queue'),
    ...parksAt('IncidentEvents/Analytics/Parking'),
    { action: 's3:PutObject', on: 'Lake/Objects/*' },
  ],
  'IncidentEvents/Inventory/FunctionRole': [
    ...consumesFrom('IncidentEvents/Inventory/Queue'),
    ...parksAt('IncidentEvents/Inventory/Parking'),
    { action: 'dynamodb:PutItem', on: 'OpenIncidents' },
  ],
  'IncidentEvents/Opener/FunctionRole': [...consumesFrom('IncidentEvents/Opener/Queue'), ...tells],
  'Opener/TellDueRole': [
    ...tells,
    { action: 'dynamodb:Query', on: 'Opener/State/index/due' },
    { action: 'sqs:SendMessage', on: 'Opener/TellDueDeadLetters' },
  ],
};
