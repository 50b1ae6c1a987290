import { BatchWriteCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { StorePorts } from './store.ts';

/** DynamoDB takes so many writes a request. */
const mostWrites = 25;

export function createItems(documents: Pick<DynamoDBDocumentClient, 'send'>, TableName: string): StorePorts['items'] {
  return {
    async put(rows) {
      // One request may not write a key twice.
      const distinct = [...new Map(rows.map((row) => [row.id, row])).values()];
      for (let start = 0; start < distinct.length; start += mostWrites) {
        const writes = distinct.slice(start, start + mostWrites).map((Item) => ({ PutRequest: { Item } }));
        const { UnprocessedItems = {} } = await documents.send(
          new BatchWriteCommand({ RequestItems: { [TableName]: writes } }),
        );
        const left = UnprocessedItems[TableName]?.length ?? 0;
        if (left > 0) throw new Error(`${TableName} left ${left} of ${writes.length} rows, as it is throttled.`);
      }
    },
  };
}
