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

/** The tracking table: a row for each time that a product was deployed or updated, key `ProvisionName` and `Date`. */
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
        KeyConditionExpression: 'ProvisionName = :name',
        ExpressionAttributeValues: { ':name': name },
        ScanIndexForward: false,
        Limit: 1,
        ConsistentRead: true,
      }),
    );
    return Items[0] === undefined ? undefined : rowSchema.parse(Items[0]);
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
      const newest = await newestRow(name);
      if (newest?.Execution === execution) return setStatus(name, newest.Date, execution, 'in-progress');
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
