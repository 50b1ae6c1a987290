import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { ChangePorts, Update } from './change.ts';
import type { Device } from './contract.ts';
import type { CreatePorts } from './create.ts';
import { attributesOf, type DeviceRow, deviceRow } from './device-row.ts';
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
    Pick<RemovePorts, 'delete'> {}

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
        const by = rowInTheWay(error);
        if (by === undefined) throw error;
        return { was: 'taken', by };
      }
    },

    async get(id) {
      const { Item } = await dynamo.send(
        new GetItemCommand({ TableName, Key: { id: { S: id } }, ConsistentRead: true }),
      );
      return Item === undefined ? undefined : deviceOf(Item);
    },

    async page(limit, after) {
      const { Items = [], LastEvaluatedKey } = await dynamo.send(
        new ScanCommand({
          ...{ TableName, Limit: limit, ConsistentRead: true },
          ...(after === undefined ? {} : { ExclusiveStartKey: { id: { S: after } } }),
        }),
      );
      // A row that is no device was parked when it was written; the others are listed.
      const items = Items.flatMap((item) => deviceRow.safeParse(item).data?.device ?? []);
      return { items, next: LastEvaluatedKey?.['id']?.S };
    },

    async update(update) {
      try {
        const { Attributes } = await dynamo.send(updateCommand(TableName, update));
        return { was: 'changed', device: deviceOf(Attributes ?? {}) };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const row = rowInTheWay(error);
        return row === undefined ? { was: 'missing' } : { was: 'other-version', device: row.device };
      }
    },

    async delete(id) {
      await dynamo.send(new DeleteItemCommand({ TableName, Key: { id: { S: id } } }));
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
    ConditionExpression: `attribute_exists(id)${version === undefined ? '' : ' AND #version = :expected'}`,
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

/** The row that a conditional write has met. */
function rowInTheWay(error: unknown): DeviceRow | undefined {
  if (!(error instanceof ConditionalCheckFailedException) || error.Item === undefined) return undefined;
  return deviceRow.parse(error.Item);
}

function deviceOf(item: Record<string, AttributeValue>): Device {
  return deviceRow.parse(item).device;
}
