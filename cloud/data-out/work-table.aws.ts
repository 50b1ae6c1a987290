import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import type { Job, Slice } from './contract.ts';
import type { DeliverPorts } from './deliver.ts';
import type { PlanPorts } from './plan.ts';

const row = z
  .object({
    id: z.string(),
    key: z.string(),
    destination: z.string(),
    slices: z.number(),
    done: z.instanceof(Set).default(new Set()),
    lines: z.number().default(0),
    rejected: z.number().default(0),
    bytesIn: z.number().default(0),
    bytesOut: z.number().default(0),
    durationMs: z.number().default(0),
    puts: z.number().default(0),
  })
  .transform((job) => ({ ...job, done: job.done.size, isDone: (index: number) => job.done.has(index) }));

export interface WorkTableDeps {
  documents: Pick<DynamoDBDocumentClient, 'send'>;
  tableName: string;
  /** Days that a job is remembered. */
  keepDays: number;
  /** Epoch ms. */
  now(): number;
}

/**
 * A row a job. A slice is counted by one conditional write, which adds its number to `done` and its figures to the job's:
 *
 * | state of the slice | finish | becomes                                                 |
 * |--------------------|--------|---------------------------------------------------------|
 * | not in `done`      | counts | in `done`                                               |
 * | in `done`          | –      | the same: it was told twice, or the answer was lost     |
 */
export function createWorkTable({
  documents,
  tableName,
  keepDays,
  now,
}: WorkTableDeps): PlanPorts['work'] & DeliverPorts['work'] {
  async function read({ job }: Slice) {
    const { Item } = await documents.send(
      new GetCommand({ TableName: tableName, Key: { id: job }, ConsistentRead: true }),
    );
    if (Item === undefined) throw new Error(`Job ${job} is not in ${tableName}: it ended before this slice was done.`);
    return row.parse(Item);
  }

  return {
    async begin(job) {
      const expiresAt = Math.floor(now() / 1_000) + keepDays * 86_400;
      try {
        await documents.send(
          new PutCommand({
            TableName: tableName,
            Item: { ...job, expiresAt },
            ConditionExpression: 'attribute_not_exists(id)',
          }),
        );
      } catch (error) {
        // S3 told of it twice, or the answer to this very write was lost.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
    async doneAlready(slice) {
      const { isDone, ...job } = await read(slice);
      return isDone(slice.index) ? job : undefined;
    },
    async finish(slice, { lines, rejected, bytesIn, bytesOut, puts, durationMs }): Promise<Job> {
      const figures = { lines, rejected, bytesIn, bytesOut, puts, durationMs };
      const names = Object.keys(figures);
      try {
        const { Attributes } = await documents.send(
          new UpdateCommand({
            TableName: tableName,
            Key: { id: slice.job },
            UpdateExpression: `ADD #done :one, ${names.map((name) => `#${name} :${name}`).join(', ')}`,
            ConditionExpression: 'attribute_exists(id) AND NOT contains(#done, :index)',
            ExpressionAttributeNames: Object.fromEntries(['done', ...names].map((name) => [`#${name}`, name])),
            ExpressionAttributeValues: {
              ':one': new Set([slice.index]),
              ':index': slice.index,
              ...Object.fromEntries(Object.entries(figures).map(([name, value]) => [`:${name}`, value])),
            },
            ReturnValues: 'ALL_NEW',
          }),
        );
        const { isDone: _, ...job } = row.parse(Attributes);
        return job;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const known = await this.doneAlready(slice);
        if (known !== undefined) return known;
        throw error;
      }
    },
  };
}
