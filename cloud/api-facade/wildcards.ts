import type { Wildcard } from '../shared/wildcards.ts';

export const wildcards: readonly Wildcard[] = [
  {
    path: 'IssueKeys',
    statement: 'apigateway:DELETE',
    resource: `arn:\${AWS::Partition}:apigateway:\${AWS::Region}::/apikeys/*`,
    reason: 'Keys are issued and revoked while the stack stands; API Gateway makes up their ids.',
  },
];
