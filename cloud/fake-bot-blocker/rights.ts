import type { Right, RightsTable } from '../shared/rights.ts';

const all = (actions: readonly string[], on: string, only?: 'local' | 'aws'): Right[] =>
  actions.map((action) => ({ action, on, ...(only === undefined ? {} : { only }) }));

const setActions = ['wafv2:GetIPSet', 'wafv2:UpdateIPSet'];
/** In the local account, which makes no set. */
const localSet = (name: string) =>
  `arn:\${AWS::Partition}:wafv2:\${AWS::Region}:\${AWS::AccountId}:regional/ipset/${name}/local`;

const refreshes: readonly Right[] = [
  { action: 'dynamodb:Query', on: 'Caught/index/newest' },
  ...all(setActions, 'WebAcl/Ipv4', 'aws'),
  ...all(setActions, 'WebAcl/Ipv6', 'aws'),
  ...all(setActions, localSet('BlockFakeBotIPSet'), 'local'),
  ...all(setActions, localSet('BlockFakeBotIPSetV6'), 'local'),
];

export const rights: RightsTable = {
  TransformRole: [...all(['dynamodb:BatchWriteItem', 'dynamodb:UpdateItem'], 'Caught'), ...refreshes],
  RefreshRole: [...refreshes, { action: 'sqs:SendMessage', on: 'RefreshDeadLetters' }],
  DeliveryRole: [
    ...all(['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'], 'Logs/Objects/*'),
    ...all(['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'], 'Logs/Objects'),
    { action: 'logs:PutLogEvents', on: 'DeliveryLogs' },
    { action: 'lambda:InvokeFunction', on: 'Transform' },
  ],
};
