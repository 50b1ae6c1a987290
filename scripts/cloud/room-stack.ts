import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { requireLoopback } from '../../cloud/testing/account.ts';
import { AppError } from '../../device/platform/errors.ts';
import { checkIdentity } from './aws-account.ts';

/** Options of commands that use a deployed room. */
export interface RoomStackOptions {
  stack: string;
  /** By the credentials of the environment; without it the local account. */
  account?: string;
  region?: string;
}

export interface RoomStack {
  /** For clients of its services. */
  where: { region?: string };
  /** @throws AppError `no-output` */
  output(name: string): string;
}

/**
 * The stack of a room that is deployed.
 * @throws AppError `wrong-use`, and as `requireLoopback` and `checkIdentity`
 */
export async function openRoomStack({ stack, account, region }: RoomStackOptions, room: string): Promise<RoomStack> {
  if (account === undefined) requireLoopback(process.env);
  else if (region === undefined)
    throw new AppError('wrong-use', '--account goes with --region: say where the stack is.');
  else await checkIdentity({ account, region });
  const where = region === undefined ? {} : { region };
  const { Stacks = [] } = await new CloudFormationClient(where).send(new DescribeStacksCommand({ StackName: stack }));
  return {
    where,
    output(name) {
      const value = Stacks[0]?.Outputs?.find(({ OutputKey }) => OutputKey === name)?.OutputValue;
      if (value !== undefined) return value;
      throw new AppError(
        'no-output',
        `${stack} has no output ${name}. Deploy ${room}, or name its stack with --stack.`,
      );
    },
  };
}
