import { logsAndTraces, parksAt, type Right, type RightsTable } from '../shared/rights.ts';

const may = (action: string, on: string): Right => ({ action, on });
const all = (actions: readonly string[], on: string): Right[] => actions.map((action) => ({ action, on }));
const account = (service: string) => `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}`;
const listsUploads = may('s3:ListBucket', 'Uploads/Objects');
const route = (method: string) => `${account('execute-api')}:Api/Http/$default/${method}/pictures`;

export const rights: RightsTable = {
  'Api/OfferRole': [may('dynamodb:PutItem', 'Records'), may('s3:PutObject', 'Uploads/Objects/originals/*')],
  'Api/ListRole': [may('dynamodb:Query', 'Records/index/incident'), may('s3:GetObject', 'Pictures/Objects/pictures/*')],
  'Api/Camera': [may('execute-api:Invoke', route('POST'))],
  'Api/Viewer': [may('execute-api:Invoke', route('GET'))],
  ValidateRole: [
    may('dynamodb:GetItem', 'Records'),
    ...[listsUploads, may('s3:GetObject', 'Uploads/Objects/originals/*')],
    ...parksAt('Parking'),
  ],
  ResizeRole: [
    ...[listsUploads, may('s3:GetObject', 'Uploads/Objects/originals/*')],
    may('s3:PutObject', 'Pictures/Objects/pictures/*'),
  ],
  PublishRole: [
    ...all(['dynamodb:GetItem', 'dynamodb:UpdateItem'], 'Records'),
    may('events:PutEvents', `${account('events')}:event-bus/default`),
  ],
  UnzipRole: [listsUploads, may('s3:GetObject', 'Uploads/Objects/archives/*')],
  'Log/AppendRole': [
    ...all(
      [
        ...['ec2:AssignPrivateIpAddresses', 'ec2:CreateNetworkInterface', 'ec2:DeleteNetworkInterface'],
        ...['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets', 'ec2:UnassignPrivateIpAddresses'],
      ],
      '*',
    ),
    ...all(['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite'], 'Log/Files'),
  ],
  'Log/Network/All/IAMRole': all(
    ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
    'Log/FlowLogs',
  ),
  'Workflow/Role': [
    ...['Publish', 'Resize', 'Validate'].map((fn) => may('lambda:InvokeFunction', fn)),
    ...logsAndTraces,
  ],
  'Workflow/Machine/EventsRole': [may('states:StartExecution', 'Workflow/Machine')],
};
