import { ConditionalCheckFailedException, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import {
  type ConcludedPicture,
  incidentIndex,
  type ListPlace,
  listPlace,
  type PendingPicture,
  type Picture,
  picture,
  timeToLiveField,
} from './contract.ts';

/** Pictures that a list shows. */
const mostListed = 50;
/** Queries of one list at most: whoever asks for offers and uploads nothing does not hide what others have uploaded. */
const mostPages = 10;

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
  /**
   * Those of an incident, newest first, from behind a place: at most 50 that are concluded, and at most 50 that wait for their upload,
   * which hide none of the others; further ones that wait are left out. So is what is no picture. 500 rows are looked at.
   */
  listOf(correlationId: string, after?: ListPlace): Promise<Listed>;
}

export interface Listed {
  pictures: Picture[];
  /** Where the next list goes on; absent where there is no more. */
  next?: ListPlace;
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
    async listOf(correlationId, after) {
      const pictures: Picture[] = [];
      const left = { concluded: mostListed, pending: mostListed };
      let place = after;
      for (let page = 0; page < mostPages; page += 1) {
        const { Items = [], LastEvaluatedKey } = await documents.send(
          new QueryCommand({
            ...{ TableName, IndexName: incidentIndex, Limit: mostListed, ScanIndexForward: false },
            KeyConditionExpression: 'correlationId = :id',
            ExpressionAttributeValues: { ':id': correlationId },
            ...(place === undefined ? {} : { ExclusiveStartKey: { ...place, correlationId } }),
          }),
        );
        for (const [at, item] of Items.entries()) {
          const { data } = picture.safeParse(item);
          if (data === undefined) continue;
          const kind = data.status === 'PENDING_UPLOAD' ? 'pending' : 'concluded';
          if (left[kind] > 0) {
            left[kind] -= 1;
            pictures.push(data);
          } else if (kind === 'concluded') {
            // It is the first of the next list.
            const before = Items[at - 1];
            return listed(pictures, before === undefined ? place : placeOf(before));
          }
        }
        if (LastEvaluatedKey === undefined) return { pictures };
        place = placeOf(LastEvaluatedKey);
      }
      return listed(pictures, place);
    },
  };
}

function listed(pictures: Picture[], next: ListPlace | undefined): Listed {
  return next === undefined ? { pictures } : { pictures, next };
}

const placeOf = ({ createdAt, id }: Record<string, unknown>): ListPlace => listPlace.parse({ createdAt, id });
