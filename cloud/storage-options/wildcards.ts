import { accessLog, machineRole, type Wildcard } from '../shared/wildcards.ts';

const named = 'Objects are named by the id of their picture, which is made with its offer.';
const originals = (path: string, statement: string): Wildcard => ({
  ...{ path, statement, resource: 'Uploads/Objects/originals/*', reason: named },
});
const shown = (path: string, statement: string): Wildcard => ({
  ...{ path, statement, resource: 'Pictures/Objects/pictures/*', reason: named },
});

export const wildcards: readonly Wildcard[] = [
  originals('Api/OfferRole', 's3:PutObject'),
  shown('Api/ListRole', 's3:GetObject'),
  originals('ValidateRole', 's3:GetObject'),
  originals('ResizeRole', 's3:GetObject'),
  shown('ResizeRole', 's3:PutObject'),
  {
    ...{ path: 'UnzipRole', statement: 's3:GetObject', resource: 'Uploads/Objects/archives/*' },
    reason: 'Archives are named by whoever puts them there.',
  },
  {
    path: 'Log/NetworkInterfaces',
    statement:
      'ec2:AssignPrivateIpAddresses, ec2:CreateNetworkInterface, ec2:DeleteNetworkInterface, ec2:DescribeNetworkInterfaces, ec2:DescribeSubnets, ec2:UnassignPrivateIpAddresses',
    resource: '*',
    reason: 'Lambda makes and names the network interfaces itself, and asks for them all.',
  },
  machineRole('Workflow/Role'),
  accessLog('Uploads'),
  accessLog('Pictures'),
];
