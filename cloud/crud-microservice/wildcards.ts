import type { Wildcard } from '../shared/wildcards.ts';

/** What the roles of callers hold with the devices at this path, which ends in a slash. */
export function callerWildcards(path: string): Wildcard[] {
  const account = `arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}`;
  const call = (role: string, method: string): Wildcard => ({
    path: role,
    statement: 'execute-api:Invoke',
    resource: `${account}:Crud/Api/$default/${method}${path}*`,
    reason: 'The last part of the path is the key of a device, which is made when it is registered.',
  });
  return [call('Reader', 'GET'), call('Writer', 'GET'), call('Writer', 'PATCH'), call('Writer', 'DELETE')];
}

export const wildcards: readonly Wildcard[] = callerWildcards('/devices/');
