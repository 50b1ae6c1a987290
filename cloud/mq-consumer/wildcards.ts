import type { Wildcard } from '../shared/wildcards.ts';

export const wildcards: readonly Wildcard[] = [
  {
    path: 'PollsBroker',
    statement: [
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSecurityGroups',
      'ec2:DescribeSubnets',
      'ec2:DescribeVpcs',
    ].join(', '),
    resource: '*',
    reason:
      'Lambda asks for these six with the role before it makes a mapping to a broker in a network; the describing ones know no resource, and the interfaces have no names before they are made.',
  },
];
