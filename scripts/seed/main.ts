import { KinesisClient } from '@aws-sdk/client-kinesis';
import { Command } from 'commander';
import { putSampleRecords, sampleRecords } from '../../cloud/stream-ingestion/sample-records.aws.ts';
import { AppError } from '../../device/platform/errors.ts';
import { openRoomStack, type RoomStackOptions } from '../cloud/room-stack.ts';

/** Puts the two records of the post into the stream of `stream-ingestion`. Exit codes: 0 done, 1 failed, 2 wrong use. */
const program = new Command('seed')
  .description('Puts the two sample records into the stream of the room stream-ingestion.')
  .option('--stack <name>', 'stack of the room', 'StreamIngestionStack')
  .option('--account <id>', 'AWS account, by the credentials of the environment; without it the local account')
  .option('--region <name>', 'of the AWS account')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

async function seed(options: RoomStackOptions): Promise<void> {
  const { where, output } = await openRoomStack(options, 'stream-ingestion');
  const streamName = output('StreamName');
  await putSampleRecords(new KinesisClient(where), streamName);
  for (const { partitionKey, data } of sampleRecords) console.log(`${streamName}: ${partitionKey} ${data}`);
}

seed(program.opts<RoomStackOptions>()).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof AppError && error.reason === 'wrong-use' ? 2 : 1;
});
