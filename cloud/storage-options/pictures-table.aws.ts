import { ConditionalCheckFailedException, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import {
  type ConcludedPicture,
  incidentIndex,
  type PendingPicture,
  type Picture,
  picture,
  timeToLiveField,
} from './contract.ts';

/** Pictures that a list shows. */
const mostListed = 50;

/** A picture, and whether its event was told. */
export interface PictureRow {
  picture: Picture;
  told: boolean;
}

export interface PicturesTable {
  /** Writes the row of an offer; the id is a new one. */
  insert(row: PendingPicture, expiresAtS: number): Promise<void>;
  find(id: string): Promise<PictureRow | undefined>;
  /**
   * Concludes a pending picture; a concluded one stays as it is.
   * @returns the row as it is now; undefined where there is none
   */
  conclude(row: ConcludedPicture, expiresAtS: number): Promise<PictureRow | undefined>;
  /** Notes that the event of a picture was told. */
  markTold(id: string): Promise<void>;
  /** Those of an incident, newest first, at most 50; what is no picture is left out. */
  listOf(correlationId: string): Promise<Picture[]>;
}

const rowSchema = z.looseObject({ told: z.boolean().default(false) });

/** One row a picture, by its id. */
export function createPicturesTable(dynamo: DynamoDBClient, tableName: string): PicturesTable {
  const documents = DynamoDBDocumentClient.from(dynamo, { marshallOptions: { removeUndefinedValues: true } });
  const TableName = tableName;

  async function find(id: string): Promise<PictureRow | undefined> {
    const { Item } = await documents.send(new GetCommand({ TableName, Key: { id }, ConsistentRead: true }));
    if (Item === undefined) return undefined;
    return { picture: picture.parse(Item), told: rowSchema.parse(Item).told };
  }

  return {
    find,
    async insert(row, expiresAtS) {
      await documents.send(new PutCommand({ TableName, Item: { ...row, [timeToLiveField]: expiresAtS } }));
    },
    async conclude(row, expiresAtS) {
      const { id, ...fields } = row;
      const names = Object.fromEntries(Object.keys(fields).map((name) => [`#${name}`, name]));
      const values = Object.fromEntries(Object.entries(fields).map(([name, value]) => [`:${name}`, value]));
      const sets = Object.keys(fields).map((name) => `#${name} = :${name}`);
      try {
        await documents.send(
          new UpdateCommand({
            ...{ TableName, Key: { id } },
            UpdateExpression: `SET ${sets.join(', ')}, #expires = :expires`,
            ConditionExpression: '#status = :pending',
            ExpressionAttributeNames: { ...names, '#expires': timeToLiveField },
            ExpressionAttributeValues: { ...values, ':expires': expiresAtS, ':pending': 'PENDING_UPLOAD' },
          }),
        );
        return { picture: row, told: false };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // Concluded before: by another execution, or by this call, whose answer was lost.
        return find(id);
      }
    },
    async markTold(id) {
      try {
        await documents.send(
          new UpdateCommand({
            ...{ TableName, Key: { id } },
            UpdateExpression: 'SET #told = :true',
            ConditionExpression: 'attribute_exists(id)',
            ExpressionAttributeNames: { '#told': 'told' },
            ExpressionAttributeValues: { ':true': true },
          }),
        );
      } catch (error) {
        // A row that has ended meanwhile does not come back by its note.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
    async listOf(correlationId) {
      const { Items = [] } = await documents.send(
        new QueryCommand({
          ...{ TableName, IndexName: incidentIndex, Limit: mostListed, ScanIndexForward: false },
          KeyConditionExpression: 'correlationId = :id',
          ExpressionAttributeValues: { ':id': correlationId },
        }),
      );
      return Items.flatMap((item) => {
        const parsed = picture.safeParse(item);
        return parsed.success ? [parsed.data] : [];
      });
    },
  };
}
