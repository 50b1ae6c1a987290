import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { type KeyState, keyState, waitingSinceMs, wakeAtMs } from './key-state.ts';
import { knownRowsKept, type OpenerStore } from './opener-ports.ts';

/** Index of the keys that have something to tell, by when. Rows without `wake` are not in it. */
export const dueIndex = 'due';

const keyRow = z.object({
  state: z.object({
    S: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(keyState),
  }),
  version: z.object({ N: z.coerce.number() }),
});
const instanceRow = z.object({
  firstSeenMs: z.object({ N: z.coerce.number() }),
  pausedUntilMs: z.object({ N: z.coerce.number() }).default({ N: 0 }),
  knownRows: z.object({ L: z.array(z.object({ S: z.string() }).transform(({ S }) => S)) }).default({ L: [] }),
});
const waitingRows = z.array(
  z.object({
    id: z.object({ S: z.string() }),
    wakeAtMs: z.object({ N: z.coerce.number() }),
    waitingSinceMs: z.object({ N: z.coerce.number() }),
  }),
);

const hourMs = 3_600_000;
const number = (value: number) => ({ N: String(value) });

/**
 * The opener's table. One row a key, replaced by its version; one row an instance, `#<instance>`; one an hour in which
 * incidents were opened, `#<instance>#<hour>`. No key begins with `#`.
 */
export function createStateTable(
  dynamo: Pick<DynamoDBClient, 'send'>,
  TableName: string,
  instance: string,
): OpenerStore {
  const instanceKey = { id: { S: `#${instance}` } };

  async function isTaken(update: Promise<unknown>): Promise<boolean> {
    try {
      await update;
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  return {
    async load(correlationId) {
      const { Item } = await dynamo.send(
        new GetItemCommand({ TableName, Key: { id: { S: correlationId } }, ConsistentRead: true }),
      );
      if (Item === undefined) return undefined;
      const { state, version } = keyRow.parse(Item);
      return { state: state.S, version: version.N };
    },

    async save(state, version) {
      const saved = await isTaken(
        dynamo.send(
          new PutItemCommand({
            TableName,
            Item: { id: { S: state.correlationId }, ...columns(state), version: number((version ?? 0) + 1) },
            ...(version === undefined
              ? { ConditionExpression: 'attribute_not_exists(id)' }
              : {
                  ConditionExpression: 'version = :version',
                  ExpressionAttributeValues: { ':version': number(version) },
                }),
          }),
        ),
      );
      return saved ? 'saved' : 'changed';
    },

    async waiting(untilMs, limit) {
      const { Items = [] } = await dynamo.send(
        new QueryCommand({
          TableName,
          IndexName: dueIndex,
          KeyConditionExpression: 'wake = :wake AND wakeAtMs <= :until',
          ExpressionAttributeValues: { ':wake': { S: 'wake' }, ':until': number(untilMs) },
          Limit: limit,
        }),
      );
      return waitingRows.parse(Items).map((row) => ({
        ...{ correlationId: row.id.S, wakeAtMs: row.wakeAtMs.N, sinceMs: row.waitingSinceMs.N },
      }));
    },

    async instance(nowMs) {
      const { Attributes } = await dynamo.send(
        new UpdateItemCommand({
          TableName,
          Key: instanceKey,
          UpdateExpression: 'SET firstSeenMs = if_not_exists(firstSeenMs, :now)',
          ExpressionAttributeValues: { ':now': number(nowMs) },
          ReturnValues: 'ALL_NEW',
        }),
      );
      const { firstSeenMs, pausedUntilMs, knownRows } = instanceRow.parse(Attributes);
      return { firstSeenMs: firstSeenMs.N, pausedUntilMs: pausedUntilMs.N, knownRows: knownRows.L };
    },

    async pause(untilMs, reason) {
      await isTaken(
        dynamo.send(
          new UpdateItemCommand({
            TableName,
            Key: instanceKey,
            UpdateExpression: 'SET pausedUntilMs = :until, pausedBecause = :reason',
            ConditionExpression: 'attribute_not_exists(pausedUntilMs) OR pausedUntilMs < :until',
            ExpressionAttributeValues: { ':until': number(untilMs), ':reason': { S: reason } },
          }),
        ),
      );
    },

    async resume(seenUntilMs) {
      await isTaken(
        dynamo.send(
          new UpdateItemCommand({
            TableName,
            Key: instanceKey,
            UpdateExpression: 'REMOVE pausedUntilMs, pausedBecause',
            ConditionExpression: 'pausedUntilMs = :seen',
            ExpressionAttributeValues: { ':seen': number(seenUntilMs) },
          }),
        ),
      );
    },

    async addKnownRow(sysId, known) {
      await dynamo.send(
        new UpdateItemCommand({
          TableName,
          Key: instanceKey,
          UpdateExpression: 'SET knownRows = :rows',
          ExpressionAttributeValues: {
            ':rows': { L: [sysId, ...known].slice(0, knownRowsKept).map((S) => ({ S })) },
          },
        }),
      );
    },

    claimFirst: (correlationId, untilMs, nowMs) =>
      isTaken(
        dynamo.send(
          new UpdateItemCommand({
            TableName,
            Key: instanceKey,
            UpdateExpression: 'SET firstKey = :key, firstUntilMs = :until',
            ConditionExpression: 'attribute_not_exists(firstKey) OR firstKey = :key OR firstUntilMs < :now',
            ExpressionAttributeValues: {
              ':key': { S: correlationId },
              ':until': number(untilMs),
              ':now': number(nowMs),
            },
          }),
        ),
      ),

    countOpening: (nowMs, most) =>
      isTaken(
        dynamo.send(
          new UpdateItemCommand({
            TableName,
            Key: { id: { S: `${instanceKey.id.S}#${Math.floor(nowMs / hourMs)}` } },
            UpdateExpression: 'ADD opened :one SET expiresAt = :expires',
            ConditionExpression: 'attribute_not_exists(opened) OR opened < :most',
            ExpressionAttributeValues: {
              ':one': number(1),
              ':most': number(most),
              ':expires': number(Math.floor((nowMs + 48 * hourMs) / 1_000)),
            },
          }),
        ),
      ),
  };
}

function columns(state: KeyState) {
  const wakes = wakeAtMs(state);
  const dead = state.entries.find((entry) => entry.dead !== null)?.dead;
  return {
    state: { S: JSON.stringify(state) },
    ...(wakes === undefined
      ? {}
      : { wake: { S: 'wake' }, wakeAtMs: number(wakes), waitingSinceMs: number(waitingSinceMs(state)) }),
    ...(dead === undefined || dead === null ? {} : { refused: { S: dead } }),
  };
}
