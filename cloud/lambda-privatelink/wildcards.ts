import { joinsNetwork } from '../shared/rights.ts';
import type { Wildcard } from '../shared/wildcards.ts';

export const wildcards: readonly Wildcard[] = [
  {
    path: 'CallNetwork',
    statement: joinsNetwork.map(({ action }) => action).join(', '),
    resource: '*',
    reason: 'Lambda makes the interfaces of a function in a network, and names them itself.',
  },
];
