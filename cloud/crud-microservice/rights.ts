import { parksAt, type Right, type RightsTable } from '../shared/rights.ts';

const may = (action: string, on: string): Right => ({ action, on });
const account = (service: string) => `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}`;
const calls = (route: string) => may('execute-api:Invoke', `${account('execute-api')}:Crud/Api/$default/${route}`);

const readsStream = [
  'dynamodb:DescribeStream',
  'dynamodb:GetRecords',
  'dynamodb:GetShardIterator',
  'dynamodb:ListStreams',
].map((action) => may(action, 'Devices.StreamArn'));

/** What Lambda itself needs to put a batch that it lets go into a queue, with the function's role. */
const lettingGo = ['sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:SendMessage'].map((action) =>
  may(action, 'DeadLetters'),
);

export const rights: RightsTable = {
  'Crud/ListRole': [may('dynamodb:Scan', 'Devices')],
  'Crud/ReadRole': [may('dynamodb:GetItem', 'Devices')],
  'Crud/CreateRole': [may('dynamodb:PutItem', 'Devices')],
  'Crud/ChangeRole': [may('dynamodb:UpdateItem', 'Devices')],
  'Crud/RemoveRole': [may('dynamodb:UpdateItem', 'Devices')],
  AnnounceRole: [
    ...readsStream,
    ...lettingGo,
    ...parksAt('Parking'),
    may('events:PutEvents', `${account('events')}:event-bus/default`),
  ],
  Reader: [calls('GET/devices'), calls('GET/devices/*')],
  Writer: [
    calls('GET/devices'),
    calls('GET/devices/*'),
    calls('POST/devices'),
    calls('PATCH/devices/*'),
    calls('DELETE/devices/*'),
  ],
};
