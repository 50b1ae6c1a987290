import { consumesFrom, logsAndTraces, parksAt, type Right, type RightsTable } from '../shared/rights.ts';
import { catalog, executions, wildcards } from './wildcards.ts';

const all = (actions: readonly string[], ...resources: readonly string[]): Right[] =>
  resources.flatMap((on) => actions.map((action) => ({ action, on })));
/** Actions of a statement that wildcards.ts lists. */
const listed = (path: string, on: string): Right[] =>
  wildcards
    .filter((one) => one.path === path && one.resource === on)
    .flatMap(({ statement }) => all(statement.split(', '), on));
const machine = `arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}:stateMachine:control-tower-account-factory-state-machine`;
const adminRole = `arn:\${AWS::Partition}:iam::\${AWS::AccountId}:role/service-role/AWSControlTowerStackSetRole`;

export const rights: RightsTable = {
  'Start/FunctionRole': [
    ...consumesFrom('Start/Queue'),
    ...parksAt('Start/Parking'),
    ...all(
      ['s3:GetObject', 's3:GetObjectVersion'],
      'Configuration/Objects/config.yml',
      'Configuration/Objects/update.yml',
    ),
    { action: 's3:ListBucket', on: 'Configuration/Objects' },
    { action: 'sns:Publish', on: 'Notifications' },
    { action: 'states:StartExecution', on: machine },
    ...listed('Start/FunctionRole', executions),
    ...listed('Lookups', '*'),
  ],
  BaselineRole: [
    ...all(['dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem'], 'Tracking'),
    { action: 'sns:Publish', on: 'Notifications' },
    ...[catalog.products, catalog.portfolios, catalog.stackSets].flatMap((on) => listed('BaselineRole', on)),
    ...listed('Observations', '*'),
    { action: 'iam:PassRole', on: adminRole },
  ],
  'Machine/Role': [{ action: 'lambda:InvokeFunction', on: 'Baseline' }, ...logsAndTraces],
};
