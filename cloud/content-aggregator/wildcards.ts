import { accessLog, machineRole, type Wildcard } from '../shared/wildcards.ts';

const reason = 'Objects are named by the version of the content file.';

export const wildcards: readonly Wildcard[] = [
  { path: 'GetRepoContentsRole', statement: 's3:PutObject', resource: 'Known/Objects/known/*', reason },
  { path: 'CompareAgainstRepoRole', statement: 's3:GetObject', resource: 'Known/Objects/known/*', reason },
  machineRole('Aggregate/Role'),
  accessLog('Known'),
];
