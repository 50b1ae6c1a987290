import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { mapRow } from './contract.ts';
import type { RefreshPorts } from './refresh.ts';

/** Key `jobName`. A row that does not fit is told, not thrown: a retry does not mend it. */
export function createDataSetMap(
  documents: Pick<DynamoDBDocumentClient, 'send'>,
  TableName: string,
): RefreshPorts['map'] {
  return {
    async dataSetsOf(jobName) {
      const { Item } = await documents.send(new GetCommand({ TableName, Key: { jobName } }));
      if (Item === undefined) return undefined;
      const row = mapRow.safeParse(Item);
      if (row.success) return row.data.dataSets;
      const [issue] = row.error.issues;
      return { invalid: `row ${jobName} of the map: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` };
    },
  };
}

const stateRow = z.object({
  starts: z.array(z.object({ jobRunId: z.string(), atMs: z.number() })),
  version: z.int(),
});

/** Key `dataSetId`. Written on the version that was read. */
export function createRefreshStates(
  documents: Pick<DynamoDBDocumentClient, 'send'>,
  TableName: string,
): RefreshPorts['states'] {
  return {
    async read(dataSetId) {
      const { Item } = await documents.send(new GetCommand({ TableName, Key: { dataSetId }, ConsistentRead: true }));
      return Item === undefined ? { starts: [], version: 0 } : stateRow.parse(Item);
    },
    async write(dataSetId, { starts, version }) {
      const put = new PutCommand({
        TableName,
        Item: { dataSetId, starts, version },
        ConditionExpression: 'attribute_not_exists(version) OR version = :read',
        ExpressionAttributeValues: { ':read': version - 1 },
      });
      try {
        await documents.send(put);
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    },
  };
}
