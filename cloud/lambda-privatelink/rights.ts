import { logsFlows } from '../shared/isolated-network.ts';
import { joinsNetwork, type RightsTable } from '../shared/rights.ts';

export const rights: RightsTable = {
  ...logsFlows('Network'),
  CallRole: [...joinsNetwork, { action: 'lambda:InvokeFunction', on: 'Live' }],
};
