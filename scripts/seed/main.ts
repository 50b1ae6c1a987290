import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { Command } from 'commander';
import { putSampleRecords, sampleRecords } from '../../cloud/stream-ingestion/sample-records.aws.ts';
import { requireLoopback } from '../../cloud/testing/account.ts';
import { AppError } from '../../device/platform/errors.ts';
import { checkIdentity } from '../cloud/aws-account.ts';

/** Puts the two records of the post into the stream of `stream-ingestion`. Exit codes: 0 done, 1 failed, 2 wrong use. */
const program = new Command('seed')
  .description('Puts the two sample records into the stream of the room stream-ingestion.')
  .option('--stack <name>', 'stack of the room', 'StreamIngestionStack')
  .option('--account <id>', 'AWS account, by the credentials of the environment; without it the local account')
  .option('--region <name>', 'of the AWS account')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

interface Options {
  stack: string;
  account?: string;
  region?: string;
}

async function seed({ stack, account, region }: Options): Promise<void> {
  if (account === undefined) requireLoopback(process.env);
  else if (region === undefined)
    throw new AppError('wrong-use', '--account goes with --region: say where the stack is.');
  else await checkIdentity({ account, region });
  const where = region === undefined ? {} : { region };
  const { Stacks = [] } = await new CloudFormationClient(where).send(new DescribeStacksCommand({ StackName: stack }));
  const streamName = Stacks[0]?.Outputs?.find(({ OutputKey }) => OutputKey === 'StreamName')?.OutputValue;
  if (streamName === undefined) {
    throw new AppError(
      'no-output',
      `${stack} has no output StreamName. Deploy stream-ingestion, or name its stack with --stack.`,
    );
  }
  await putSampleRecords(new KinesisClient(where), streamName);
  for (const { partitionKey, data } of sampleRecords) console.log(`${streamName}: ${partitionKey} ${data}`);
}

seed(program.opts<Options>()).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof AppError && error.reason === 'wrong-use' ? 2 : 1;
});
