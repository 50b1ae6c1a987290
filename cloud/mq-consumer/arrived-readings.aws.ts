import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  DynamoDBServiceException,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { attributesOf } from '../shared/readings/attributes.aws.ts';
import type { ConsumePorts } from './consume.ts';

/** What DynamoDB answers where the message is not to blame: it is too much at a time, or this function may not write at all. */
const notTheMessage = [
  'AccessDeniedException',
  'ExpiredTokenException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ResourceNotFoundException',
  'ThrottlingException',
  'UnrecognizedClientException',
];

/**
 * The readings table for messages that come in any order and more than once. A row is written where none stands, or one
 * that arrived earlier; so however often and in whatever order the messages of a key come, the last to arrive stands there
 * in the end. A row without `arrival` came by the stream and is left: device and stream are nearer to the sensor.
 */
export function createArrivedReadings(
  dynamo: Pick<DynamoDBClient, 'send'>,
  TableName: string,
): ConsumePorts['readings'] {
  return {
    async write({ item, arrival }) {
      try {
        await dynamo.send(
          new PutItemCommand({
            TableName,
            Item: { ...attributesOf(item), arrival: { S: arrival } },
            ConditionExpression: 'attribute_not_exists(partitionKey) OR arrival < :arrival',
            ExpressionAttributeValues: { ':arrival': { S: arrival } },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        );
        return { kind: 'stored' };
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) {
          // Also where an answer was lost and the SDK has sent it again.
          return { kind: error.Item?.['arrival']?.S === arrival ? 'duplicate' : 'superseded' };
        }
        if (isTheMessages(error)) throw error;
        return { kind: 'away', error };
      }
    },
  };
}

/** DynamoDB looked at the request and refused it; all else (no connection, no answer, its own error) says nothing of it. */
function isTheMessages(error: unknown): boolean {
  return error instanceof DynamoDBServiceException && error.$fault === 'client' && !notTheMessage.includes(error.name);
}
