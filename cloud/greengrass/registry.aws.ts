import { ConditionalCheckFailedException, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { type Refusal, type RegisteredDevice, registeredDevice } from './contract.ts';

/** The serial numbers that may be claimed, a row each. */
export interface Registry {
  /**
   * Looks a serial number up and counts the claim, in one request, so that two at once are both counted.
   * @throws the SDK's error where the table cannot be asked: nothing is admitted then, and the device tries again
   */
  claim(serialNumber: string, by: { certificateId: string; at: Date }): Promise<Claim>;
}

export type Claim = { ok: true; device: RegisteredDevice } | { ok: false; reason: Refusal; detail: string };

export function createRegistry(
  dynamo: Pick<DynamoDBClient, 'send'>,
  { tableName, mostClaims }: { tableName: string; mostClaims: number },
): Registry {
  return {
    async claim(serialNumber, { certificateId, at }) {
      const command = new UpdateItemCommand({
        TableName: tableName,
        Key: { serialNumber: { S: serialNumber } },
        UpdateExpression: 'ADD claims :one SET lastClaimAt = :at, lastCertificateId = :certificate',
        ConditionExpression: 'attribute_exists(serialNumber) AND (attribute_not_exists(claims) OR claims < :most)',
        ExpressionAttributeValues: {
          ':one': { N: '1' },
          ':most': { N: String(mostClaims) },
          ':at': { S: at.toISOString() },
          ':certificate': { S: certificateId },
        },
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      try {
        const { Attributes = {} } = await dynamo.send(command);
        const [kind, thingName] = [Attributes['kind']?.S, Attributes['thingName']?.S];
        const row = registeredDevice.safeParse({ serialNumber, kind, thingName });
        if (row.success) return { ok: true, device: row.data };
        const [issue] = row.error.issues;
        return { ok: false, reason: 'bad-row', detail: `${issue?.path.join('.')}: ${issue?.message}` };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return error.Item === undefined
          ? { ok: false, reason: 'unknown-serial-number', detail: 'no row' }
          : { ok: false, reason: 'claimed-too-often', detail: `${mostClaims} times` };
      }
    },
  };
}
