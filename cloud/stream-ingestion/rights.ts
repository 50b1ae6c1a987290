import { parksAt, type RightsTable } from '../shared/rights.ts';

/** What Lambda itself needs to read a stream for a function, with the function's role. */
const readsStream = [
  'kinesis:DescribeStream',
  'kinesis:DescribeStreamConsumer',
  'kinesis:DescribeStreamSummary',
  'kinesis:GetRecords',
  'kinesis:GetShardIterator',
  'kinesis:ListShards',
  'kinesis:ListStreams',
  'kinesis:SubscribeToShard',
].map((action) => ({ action, on: 'Stream' }));

/** What Lambda itself needs to put a batch that it lets go into a queue, with the function's role. */
const lettingGo = ['sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:SendMessage'].map((action) => ({
  action,
  on: 'DeadLetters',
}));

export const rights: RightsTable = {
  IngestRole: [
    ...readsStream,
    ...lettingGo,
    { action: 'dynamodb:BatchWriteItem', on: 'Readings' },
    ...parksAt('Parking'),
  ],
  'SensorData/Role': [
    { action: 'kinesis:PutRecord', on: 'Stream', only: 'aws' },
    { action: 'sqs:SendMessage', on: 'SensorData/RuleErrors' },
  ],
  'SensorData/ForwardRole': [
    { action: 'kinesis:PutRecord', on: 'Stream', only: 'local' },
    { action: 'sqs:SendMessage', on: 'SensorData/ForwardDeadLetters', only: 'local' },
  ],
};
