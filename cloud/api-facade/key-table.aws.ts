import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { keyIdOf } from './api-key.ts';
import type { PresentedKeys } from './authorise.ts';
import { planName, plans } from './contract.ts';
import type { KeyRow, KeyRows } from './keys.ts';

const text = z.object({ S: z.string() });
const rowSchema = z
  .object({
    slot: text,
    hash: text,
    plan: z.object({ S: planName }),
    label: text,
    createdAt: text,
    revokedAt: text.optional(),
    gatewayKeyId: text,
  })
  .catchall(z.unknown());
const count = z.object({ N: z.string().transform(Number) });

/**
 * One row for each key of an account: (account, slot) → hash, plan, and how often it was presented, a month an attribute.
 *
 * none → issued (claim) → revoked (revoke) → issued again (claim), with the counts of its months. Each step is one write
 * with a condition.
 */
export function createKeyTable(dynamo: Pick<DynamoDBClient, 'send'>, TableName: string): PresentedKeys & KeyRows {
  /** The row after the write; undefined where its condition does not hold. */
  async function update(
    account: string,
    slot: string,
    change: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>,
  ): Promise<Record<string, AttributeValue> | undefined> {
    try {
      const { Attributes } = await dynamo.send(
        new UpdateItemCommand({ TableName, Key: keyOf(account, slot), ReturnValues: 'ALL_NEW', ...change }),
      );
      return Attributes ?? {};
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }

  return {
    async count({ account, slot }, hash, month) {
      const row = await update(account, slot, {
        UpdateExpression: 'ADD #month :one',
        ConditionExpression: `#hash = :hash AND attribute_not_exists(#revokedAt) AND (${monthIsLeft})`,
        ExpressionAttributeNames: { '#month': countOf(month), ...names('hash', 'revokedAt', 'plan') },
        ExpressionAttributeValues: { ':one': { N: '1' }, ':hash': { S: hash }, ...limits },
      });
      return row === undefined ? undefined : rowSchema.parse(row).plan.S;
    },

    async list(account) {
      const { Items = [] } = await dynamo.send(
        new QueryCommand({
          ...{ TableName, ConsistentRead: true, KeyConditionExpression: '#account = :account' },
          ExpressionAttributeNames: { '#account': 'account' },
          ExpressionAttributeValues: { ':account': { S: account } },
        }),
      );
      return Items.map(toRow);
    },

    async claim(account, { slot, hash, plan, label, createdAt, gatewayKeyId }) {
      const row = await update(account, slot, {
        UpdateExpression:
          'SET #hash = :hash, #plan = :plan, #label = :label, #createdAt = :createdAt, #gatewayKeyId = :gatewayKeyId REMOVE #revokedAt',
        ConditionExpression: 'attribute_not_exists(#hash) OR attribute_exists(#revokedAt)',
        ExpressionAttributeNames: names('hash', 'plan', 'label', 'createdAt', 'gatewayKeyId', 'revokedAt'),
        ExpressionAttributeValues: {
          ':hash': { S: hash },
          ':plan': { S: plan },
          ':label': { S: label },
          ':createdAt': { S: createdAt },
          ':gatewayKeyId': { S: gatewayKeyId },
        },
      });
      return row !== undefined;
    },

    async revoke(account, id, at) {
      const [slot = '', start = ''] = id.split('-');
      const row = await update(account, slot, {
        // What was revoked before stays so since then.
        UpdateExpression: 'SET #revokedAt = if_not_exists(#revokedAt, :at)',
        ConditionExpression: 'begins_with(#hash, :start)',
        ExpressionAttributeNames: names('hash', 'revokedAt'),
        ExpressionAttributeValues: { ':at': { S: at }, ':start': { S: start } },
      });
      return row === undefined ? undefined : toRow(row);
    },

    async usage(account, slot, month) {
      const { Item } = await dynamo.send(
        new GetItemCommand({ TableName, Key: keyOf(account, slot), ConsistentRead: true }),
      );
      if (Item === undefined) return undefined;
      const { id, plan } = toRow(Item);
      return { id, plan, requests: count.safeParse(Item[countOf(month)]).data?.N ?? 0 };
    },
  };
}

/**
 * Whether the row's plan allows one more request of the month. API Gateway counts for each of its keys, and a slot may have
 * held several.
 */
const monthIsLeft = `attribute_not_exists(#month) OR ${planName.options
  .map((plan) => `(#plan = :${plan} AND #month < :${plan}Limit)`)
  .join(' OR ')}`;
const limits: Record<string, AttributeValue> = Object.fromEntries(
  planName.options.flatMap((plan) => [
    [`:${plan}`, { S: plan }],
    [`:${plan}Limit`, { N: String(plans[plan].requestsPerMonth) }],
  ]),
);

function keyOf(account: string, slot: string): Record<string, AttributeValue> {
  return { account: { S: account }, slot: { S: slot } };
}

function countOf(month: string): string {
  return `requests ${month}`;
}

function names(...attributes: string[]): Record<string, string> {
  return Object.fromEntries(attributes.map((attribute) => [`#${attribute}`, attribute]));
}

function toRow(item: unknown): KeyRow {
  const { slot, hash, plan, label, createdAt, revokedAt, gatewayKeyId } = rowSchema.parse(item);
  return {
    ...{ id: keyIdOf(slot.S, hash.S), slot: slot.S, plan: plan.S, label: label.S, createdAt: createdAt.S },
    revokedAt: revokedAt?.S ?? null,
    gatewayKeyId: gatewayKeyId.S,
  };
}
