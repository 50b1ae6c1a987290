import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import type { BaselinePorts } from './baseline.ts';

const rowSchema = z.object({ Date: z.string(), DeploymentStatus: z.string(), Execution: z.string().default('') });

export interface TrackingOptions {
  documents: Pick<DynamoDBDocumentClient, 'send'>;
  tableName: string;
  /** Epoch ms. */
  now: () => number;
  /** So long a row in progress keeps other executions from its product: as long as a machine may run. */
  heldMs: number;
}

/** `Date` of the row that says who has a product in hand; before those of all others. */
const lockDate = '000000000000';

/**
 * The tracking table: a row for each time that a product was deployed or updated, key `ProvisionName` and `Date`, and one row for each
 * product that says which execution has it in hand. That one has the same key for all, so that of two at once one is refused, in
 * whatever minute they come.
 */
export function createTracking({
  documents,
  tableName: TableName,
  now,
  heldMs,
}: TrackingOptions): BaselinePorts['tracking'] {
  async function newestRow(name: string) {
    const { Items = [] } = await documents.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'ProvisionName = :name AND #date > :lock',
        ExpressionAttributeNames: { '#date': 'Date' },
        ExpressionAttributeValues: { ':name': name, ':lock': lockDate },
        ScanIndexForward: false,
        Limit: 1,
        ConsistentRead: true,
      }),
    );
    return Items[0] === undefined ? undefined : rowSchema.parse(Items[0]);
  }
  /** @returns false where another execution has the product in hand. */
  async function lock(ProvisionName: string, execution: string): Promise<boolean> {
    return unlessCondition(
      documents.send(
        new UpdateCommand({
          TableName,
          Key: { ProvisionName, Date: lockDate },
          UpdateExpression: 'SET #execution = :execution, DeploymentStatus = :held, Since = :now',
          ConditionExpression:
            'attribute_not_exists(ProvisionName) OR #execution = :execution OR DeploymentStatus <> :held OR Since <= :over',
          ExpressionAttributeNames: { '#execution': 'Execution' },
          ExpressionAttributeValues: {
            ...{ ':execution': execution, ':held': 'in-progress' },
            ...{ ':now': minuteOf(now()), ':over': minuteOf(now() - heldMs) },
          },
        }),
      ),
    );
  }
  /** @returns false where the row is not this execution's. */
  async function setStatus(ProvisionName: string, date: string, execution: string, status: string): Promise<boolean> {
    return unlessCondition(
      documents.send(
        new UpdateCommand({
          TableName,
          Key: { ProvisionName, Date: date },
          UpdateExpression: 'SET DeploymentStatus = :status',
          ConditionExpression: '#execution = :execution',
          ExpressionAttributeNames: { '#execution': 'Execution' },
          ExpressionAttributeValues: { ':status': status, ':execution': execution },
        }),
      ),
    );
  }
  return {
    async claim({ name, product, version, account, regions, action, execution }) {
      if (!(await lock(name, execution))) return false;
      const newest = await newestRow(name);
      if (newest?.Execution === execution) return setStatus(name, newest.Date, execution, 'in-progress');
      // By an execution that began before there was a row for who has it.
      const isHeld = newest?.DeploymentStatus === 'in-progress' && newest.Date > minuteOf(now() - heldMs);
      if (isHeld) return false;
      // Rows are in order, also of executions in one minute.
      const date = [minuteOf(now()), newest === undefined ? '' : minuteAfter(newest.Date)].toSorted().at(-1);
      return unlessCondition(
        documents.send(
          new PutCommand({
            TableName,
            Item: {
              ...{ ProvisionName: name, Date: date, Product: product, Version: version, Account: account },
              ...{ Regions: [...regions], Action: action, DeploymentStatus: 'in-progress', Execution: execution },
            },
            // Another execution was faster; its own row is one whose answer was lost.
            ConditionExpression: 'attribute_not_exists(ProvisionName) OR #execution = :execution',
            ExpressionAttributeNames: { '#execution': 'Execution' },
            ExpressionAttributeValues: { ':execution': execution },
          }),
        ),
      );
    },
    async finish(name, execution, status) {
      const newest = await newestRow(name);
      if (newest?.Execution === execution) await setStatus(name, newest.Date, execution, status);
      await setStatus(name, lockDate, execution, status);
    },
  };
}

async function unlessCondition(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** `YYYYMMDDHHMM`, UTC. */
function minuteOf(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:T]/g, '').slice(0, 12);
}

function minuteAfter(date: string): string {
  const [, year, month, day, hour, minute] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(date) ?? [];
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}Z`);
  return Number.isNaN(ms) ? '' : minuteOf(ms + 60_000);
}
