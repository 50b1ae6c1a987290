import type { Wildcard } from '../shared/wildcards.ts';

// biome-ignore lint/suspicious/noTemplateCurlyInString: as in the template
const api = 'arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:Crud/Api';
const reason = 'The last part of the path is the key of a device, which is made when it is registered.';

export const wildcards: readonly Wildcard[] = [
  { path: 'Reader', statement: 'execute-api:Invoke', resource: `${api}/$default/GET/devices/*`, reason },
  ...['GET', 'PATCH', 'DELETE'].map((method) => ({
    path: 'Writer',
    statement: 'execute-api:Invoke',
    resource: `${api}/$default/${method}/devices/*`,
    reason,
  })),
];
