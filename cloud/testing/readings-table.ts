import { CreateTableCommand, DynamoDBClient, ResourceInUseException } from '@aws-sdk/client-dynamodb';
import { readingsTableName } from '../stream-ingestion/contract.ts';
import { client } from './clients.ts';

/** The table of readings: of the room stream-ingestion, or where that is not deployed an empty one in its place. */
export async function haveReadingsTable(): Promise<void> {
  try {
    await client(DynamoDBClient).send(
      new CreateTableCommand({
        TableName: readingsTableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'partitionKey', AttributeType: 'S' },
          { AttributeName: 'timestamp', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'partitionKey', KeyType: 'HASH' },
          { AttributeName: 'timestamp', KeyType: 'RANGE' },
        ],
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
}
