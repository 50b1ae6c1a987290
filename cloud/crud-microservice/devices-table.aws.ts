import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { ChangePorts, Update } from './change.ts';
import type { Device } from './contract.ts';
import type { CreatePorts } from './create.ts';
import { attributesOf, type DeviceRow, deviceRow, type Tombstone, timeToLiveField } from './device-row.ts';
import type { ListPorts } from './list.ts';
import type { ReadPorts } from './read.ts';
import type { RemovePorts } from './remove.ts';

/**
 * The rows of the registry. Each function uses one of these, and holds the right for that one alone; so what lies in the
 * way of a conditional write is taken from DynamoDB's refusal and not read.
 * @throws the SDK's error where DynamoDB did not answer, did not let, or was too busy.
 */
export interface DevicesTable
  extends Pick<CreatePorts, 'insert'>,
    Pick<ReadPorts, 'get'>,
    Pick<ListPorts, 'page'>,
    Pick<ChangePorts, 'update'>,
    Pick<RemovePorts, 'bury'> {}

export function createDevicesTable(dynamo: Pick<DynamoDBClient, 'send'>, tableName: string): DevicesTable {
  const TableName = tableName;
  return {
    async insert(row) {
      try {
        await dynamo.send(
          new PutItemCommand({
            ...{ TableName, Item: attributesOf(row), ConditionExpression: 'attribute_not_exists(id)' },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        );
        return { was: 'free' };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return { was: 'taken', by: rowInTheWay(error) };
      }
    },

    async get(id) {
      const { Item } = await dynamo.send(
        new GetItemCommand({ TableName, Key: { id: { S: id } }, ConsistentRead: true }),
      );
      return deviceOf(Item);
    },

    async page(limit, after) {
      const { Items = [], LastEvaluatedKey } = await dynamo.send(
        new ScanCommand({
          ...{ TableName, Limit: limit, ConsistentRead: true },
          ...(after === undefined ? {} : { ExclusiveStartKey: { id: { S: after } } }),
        }),
      );
      // Left out are tombstones, and what is no device: that was parked when it was written.
      const items = Items.flatMap((item) => deviceOf(item) ?? []);
      return { items, next: LastEvaluatedKey?.['id']?.S };
    },

    async update(update) {
      try {
        const { Attributes } = await dynamo.send(updateCommand(TableName, update));
        const device = deviceOf(Attributes);
        return device === undefined ? { was: 'missing' } : { was: 'changed', device };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const row = rowInTheWay(error);
        return row === undefined ? { was: 'missing' } : { was: 'other-version', device: row.device };
      }
    },

    async bury(tombstone) {
      try {
        await dynamo.send(buryCommand(TableName, tombstone));
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
  };
}

function updateCommand(TableName: string, { id, set, remove, version, updatedAt }: Update): UpdateItemCommand {
  const fields = Object.entries({ ...set, updatedAt });
  const sets = [...fields.map(([name]) => `#${name} = :${name}`), '#version = #version + :one'];
  const removes = remove.map((name) => `#${name}`);
  const values = fields.map(([name, value]): [string, AttributeValue] => [
    `:${name}`,
    typeof value === 'number' ? { N: String(value) } : { S: value },
  ]);
  return new UpdateItemCommand({
    ...{ TableName, Key: { id: { S: id } } },
    UpdateExpression: `SET ${sets.join(', ')}${removes.length === 0 ? '' : ` REMOVE ${removes.join(', ')}`}`,
    // A row without a number as version is no device: a tombstone, or written by hand.
    ConditionExpression: version === undefined ? '#version >= :one' : '#version = :expected',
    ExpressionAttributeNames: Object.fromEntries(
      [...fields.map(([name]) => name), ...remove, 'version'].map((name) => [`#${name}`, name]),
    ),
    ExpressionAttributeValues: {
      ...Object.fromEntries(values),
      ':one': { N: '1' },
      ...(version === undefined ? {} : { ':expected': { N: String(version) } }),
    },
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
}

/** Fields of the device that go; the digest of the request that registered it stays. */
const buriedFields = ['title', 'deviceId', 'site', 'priority', 'createdAt', 'updatedAt', 'version'] as const;

function buryCommand(TableName: string, { id, removedAt, expiresAt }: Tombstone): UpdateItemCommand {
  return new UpdateItemCommand({
    ...{ TableName, Key: { id: { S: id } } },
    UpdateExpression: `SET removedAt = :removedAt, ${timeToLiveField} = :expiresAt REMOVE ${buriedFields.map((name) => `#${name}`).join(', ')}`,
    ConditionExpression: 'attribute_exists(id) AND attribute_not_exists(removedAt)',
    ExpressionAttributeNames: Object.fromEntries(buriedFields.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: { ':removedAt': { S: removedAt }, ':expiresAt': { N: String(expiresAt) } },
  });
}

/** The device that a conditional write has met; undefined where there is no row, or one that is no device. */
function rowInTheWay({ Item }: ConditionalCheckFailedException): DeviceRow | undefined {
  return deviceRow.safeParse(Item).data;
}

function deviceOf(item: Record<string, AttributeValue> | undefined): Device | undefined {
  return deviceRow.safeParse(item).data?.device;
}
