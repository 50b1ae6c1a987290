import { type KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis';

/** The two records of the post: temperatures of two sensors, by partition key. */
export const sampleRecords = [
  { partitionKey: '1301', data: '15.4|2020-08-22T01:16:36+00:00' },
  { partitionKey: '1503', data: '39.1|2020-08-22T01:08:15+00:00' },
] as const;

/** Puts them, one after the other. */
export async function putSampleRecords(kinesis: Pick<KinesisClient, 'send'>, streamName: string): Promise<void> {
  for (const { partitionKey, data } of sampleRecords) {
    await kinesis.send(
      new PutRecordCommand({ StreamName: streamName, PartitionKey: partitionKey, Data: Buffer.from(data) }),
    );
  }
}
