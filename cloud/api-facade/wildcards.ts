import type { Wildcard } from '../shared/wildcards.ts';

export const wildcards: readonly Wildcard[] = [
  {
    path: 'IssueKeys',
    statement: 'apigateway:DELETE',
    resource: `arn:\${AWS::Partition}:apigateway:\${AWS::Region}::/apikeys/*`,
    reason:
      'Keys are issued and revoked while the stack stands; API Gateway makes up their ids. A tag says which are its own.',
  },
  {
    path: 'IssueKeys',
    statement: 'apigateway:PUT',
    resource: `arn:\${AWS::Partition}:apigateway:\${AWS::Region}::/tags/arn%3A\${AWS::Partition}%3Aapigateway%3A\${AWS::Region}%3A%3A%2Fapikeys%2F*`,
    reason: 'Keys are tagged when they are made; API Gateway makes up their ids.',
  },
];
