import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { client } from './clients.ts';

/**
 * What CloudFormation calls a resource of a deployed stack in the account: the address of a queue, the name of a rule. For what
 * a test alone wants to know; other things are outputs of the stack.
 * @param part of its logical id, which no other resource of that type has
 */
export async function physicalId(stack: string, type: string, part = ''): Promise<string> {
  const { StackResources = [] } = await client(CloudFormationClient).send(
    new DescribeStackResourcesCommand({ StackName: stack }),
  );
  const found = StackResources.filter(
    ({ ResourceType, LogicalResourceId = '' }) => ResourceType === type && LogicalResourceId.includes(part),
  );
  const [{ PhysicalResourceId } = {}] = found;
  if (found.length === 1 && PhysicalResourceId !== undefined) return PhysicalResourceId;
  const ids = found.map(({ LogicalResourceId }) => LogicalResourceId).join(', ');
  throw new Error(`${stack} has not one ${type} with ${part} in its logical id, but: ${ids || 'none'}.`);
}
