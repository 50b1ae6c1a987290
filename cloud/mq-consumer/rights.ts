import { logsFlows } from '../shared/isolated-network.ts';
import { parksAt, type RightsTable } from '../shared/rights.ts';

/** What Lambda itself needs to read a broker in a network for a function, with the function's role. */
const readsBroker = [
  // The broker of the local account is never made, so it has no ARN there.
  { action: 'mq:DescribeBroker', on: 'Broker', only: 'aws' as const },
  { action: 'secretsmanager:GetSecretValue', on: 'Broker/Consumer.Id' },
  ...[
    'ec2:CreateNetworkInterface',
    'ec2:DeleteNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSecurityGroups',
    'ec2:DescribeSubnets',
    'ec2:DescribeVpcs',
  ].map((action) => ({ action, on: '*' })),
];

export const rights: RightsTable = {
  ...logsFlows('Broker/Network'),
  ConsumeRole: [
    ...readsBroker,
    {
      action: 'dynamodb:PutItem',
      on: `arn:\${AWS::Partition}:dynamodb:\${AWS::Region}:\${AWS::AccountId}:table/IoTBlog-readings`,
    },
    { action: 'dynamodb:BatchGetItem', on: 'Marks' },
    { action: 'dynamodb:UpdateItem', on: 'Marks' },
    ...parksAt('Parking'),
  ],
};
