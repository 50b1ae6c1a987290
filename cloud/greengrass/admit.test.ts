import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AwsFault, type AwsRequest, fakeAws } from '../testing/fake-aws.ts';
import { admit } from './admit.ts';
import { type DeviceKind, hookEvent, registeredDevice } from './contract.ts';
import { deviceKinds, parametersOf, templateBody } from './fleet.ts';
import { defaultNames } from './names.ts';
import { createRegistry } from './registry.aws.ts';

const fleet = parametersOf({ ...defaultNames, bucket: 'b' });

describe('what a registered device becomes', () => {
  test.each<[DeviceKind, string, string]>([
    ['core', 'myGGPolicy', 'IoT-blog-group'],
    ['monitor', 'myGGPolicy-monitor', 'IoT-blog-group-devices'],
    ['handler', 'myGGPolicy-handler', 'IoT-blog-group-devices'],
  ])('a %s has its policy and its group', (kind, PolicyName, ThingGroupName) => {
    expect(admit({ serialNumber: '0001', kind }, fleet)).toEqual({
      allowProvisioning: true,
      parameterOverrides: { ThingName: 'IoT-blog-0001', PolicyName, ThingGroupName },
    });
  });

  test('is called as its row says', () => {
    const answer = admit({ serialNumber: '0001', kind: 'core', thingName: 'hall' }, fleet);
    expect(answer).toMatchObject({ parameterOverrides: { ThingName: 'hall' } });
  });

  test('leaves no parameter of the template to the device but its serial number', () => {
    const { SerialNumber: _, 'AWS::IoT::Certificate::Id': __, ...toSay } = templateBody.Parameters;
    for (const kind of deviceKinds) {
      const answer = admit({ serialNumber: '0001', kind }, fleet);
      expect(answer.allowProvisioning && Object.keys(answer.parameterOverrides).toSorted()).toEqual(
        Object.keys(toSay).toSorted(),
      );
    }
  });

  test('has a name that AWS IoT takes, and not the handler’s, whatever the row says', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.constantFrom(...deviceKinds), (serialNumber, thingName, kind) => {
        const row = registeredDevice.safeParse({ serialNumber, thingName, kind });
        if (!row.success) return;
        const answer = admit(row.data, fleet);
        if (!answer.allowProvisioning) throw new Error('refused');
        expect(answer.parameterOverrides.ThingName).toMatch(/^[A-Za-z0-9_-]{1,128}$/);
        expect(answer.parameterOverrides.ThingName).not.toBe('handler');
      }),
    );
  });
});

test.each([
  ['no serial number', {}],
  ['an empty one', { SerialNumber: '' }],
  ['one with what no serial number has', { SerialNumber: 'a/b' }],
  ['one that is too long', { SerialNumber: 'x'.repeat(65) }],
])('a question with %s is none', (_what, parameters) => {
  expect(hookEvent.safeParse({ certificateId: 'c', clientId: 'claim-1', parameters }).success).toBe(false);
});

describe('the registry', () => {
  const at = new Date(Date.UTC(2026, 0, 2, 3, 4, 5));
  const asked: AwsRequest[] = [];
  const registry = (answer: () => unknown) =>
    createRegistry(
      new DynamoDBClient(
        fakeAws((request) => {
          asked.push(request);
          return answer();
        }),
      ),
      { tableName: 'Registry', mostClaims: 3 },
    );
  const claim = (answer: () => unknown) => registry(answer).claim('0001', { certificateId: 'c', at });

  test('counts a claim in the request that looks it up', async () => {
    const row = { serialNumber: { S: '0001' }, kind: { S: 'monitor' }, claims: { N: '1' } };
    expect(await claim(() => ({ Attributes: row }))).toEqual({
      ok: true,
      device: { serialNumber: '0001', kind: 'monitor' },
    });
    expect(asked.splice(0)).toMatchObject([
      {
        operation: 'UpdateItem',
        input: {
          Key: { serialNumber: { S: '0001' } },
          ConditionExpression: 'attribute_exists(serialNumber) AND (attribute_not_exists(claims) OR claims < :most)',
          ExpressionAttributeValues: { ':most': { N: '3' }, ':at': { S: '2026-01-02T03:04:05.000Z' } },
        },
      },
    ]);
  });

  test('a row of an unknown kind admits nobody (bad schema)', async () => {
    const row = { serialNumber: { S: '0001' }, kind: { S: 'toaster' } };
    const refused = await claim(() => ({ Attributes: row }));
    expect(refused).toMatchObject({ ok: false, reason: 'bad-row', detail: expect.stringContaining('kind') });
  });

  test('a registry that does not answer admits nobody (throttle)', async () => {
    const away = claim(() => {
      throw new AwsFault('ProvisionedThroughputExceededException');
    });
    await expect(away).rejects.toThrow('ProvisionedThroughputExceededException');
  });
});
