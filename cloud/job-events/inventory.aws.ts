import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { JobEvent } from './contract.ts';

/**
 * The jobs that there are, a row each.
 *
 * | a row is | on JobCreated            | on JobDeleted            |
 * |----------|--------------------------|--------------------------|
 * | absent   | on offer                 | deleted: a mark is kept  |
 * | on offer | on offer, if it is newer | deleted, if it is newer  |
 * | deleted  | on offer, if it is newer | deleted, if it is newer  |
 *
 * Newer is what has a higher `eventSequence`, whatever came first: a late duplicate never brings a deleted job back.
 */
export interface Inventory {
  /** @throws the SDK's error where the table did not answer: a retry may cure that. */
  take(event: JobEvent): Promise<'stored' | 'deleted' | 'older-than-known' | 'not-of-interest'>;
}

const isNewer = 'attribute_not_exists(id) OR lastSequence < :sequence';

export function createInventory(dynamo: Pick<DynamoDBClient, 'send'>, tableName: string): Inventory {
  return {
    async take(event) {
      try {
        switch (event.eventType) {
          case 'JobCreated':
            await dynamo.send(putOf(event, tableName));
            return 'stored';
          case 'JobDeleted':
            await dynamo.send(
              new UpdateItemCommand({
                TableName: tableName,
                Key: { id: { S: event.jobId } },
                UpdateExpression: 'SET markAsDeleted = :yes, deletedBecause = :reason, lastSequence = :sequence',
                ConditionExpression: isNewer,
                ExpressionAttributeValues: {
                  ':yes': { BOOL: true },
                  ':reason': { S: event.eventDetails.reason },
                  ':sequence': { N: event.eventSequence },
                },
              }),
            );
            return 'deleted';
          default:
            return 'not-of-interest';
        }
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return 'older-than-known';
        throw error;
      }
    },
  };
}

function putOf(event: Extract<JobEvent, { eventType: 'JobCreated' }>, tableName: string): PutItemCommand {
  const { jobCategory, employer, jobDescription, jobRequirements, anualSalary } = event.eventDetails;
  return new PutItemCommand({
    TableName: tableName,
    Item: {
      id: { S: event.jobId },
      jobCategory: { S: jobCategory },
      employer: { S: employer },
      jobDescription: { S: jobDescription },
      jobRequirements: { S: jobRequirements },
      anualSalary: { N: String(anualSalary) },
      markAsDeleted: { BOOL: false },
      lastSequence: { N: event.eventSequence },
    },
    ConditionExpression: isNewer,
    ExpressionAttributeValues: { ':sequence': { N: event.eventSequence } },
  });
}
