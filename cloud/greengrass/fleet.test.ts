import { describe, expect, test } from 'vitest';
import { claimPolicy, deviceKinds, groupNames, policyNames, policyOf, templateName } from './fleet.ts';
import { longestIotPolicy } from './iot-policy.ts';
import { defaultNames } from './names.ts';

const place = { account: '123456789012', region: 'eu-west-1' };
const names = { ...defaultNames, bucket: 'b' };
const arn = (rest: string) => `arn:aws:iot:eu-west-1:123456789012:${rest}`;
const granted = (kind: (typeof deviceKinds)[number], action: string) =>
  policyOf(kind, names, place)
    .Statement.filter(({ Action }) => Action.includes(action))
    .flatMap(({ Resource }) => Resource.map((one) => one.replace(arn(''), '')));
const thing = `\${iot:Connection.Thing.ThingName}`;

describe('a device of the fleet', () => {
  test('that is a monitor publishes readings, anomalies and its own status, and nothing else', () => {
    expect(granted('monitor', 'iot:Publish')).toEqual([
      'topic/IoTBlog/sensorData',
      'topic/IoTBlog/anomaly',
      `topic/IoTBlog/status/${thing}`,
    ]);
  });

  test('that is a handler publishes answers and its own status, and no reading or anomaly', () => {
    expect(granted('handler', 'iot:Publish')).toEqual(['topic/IoTBlog/anomaly/ack', 'topic/IoTBlog/status/handler']);
  });

  test.each(deviceKinds)('that is a %s has a policy as short as AWS IoT wants it, in the farthest place', (kind) => {
    const far = { account: place.account, region: 'ap-southeast-2' };
    expect(JSON.stringify(policyOf(kind, names, far)).length).toBeLessThanOrEqual(longestIotPolicy);
  });

  test('is in the group that is deployed to only as a core, and each kind has a policy of its own', () => {
    const groups = groupNames(names);
    expect(deviceKinds.filter((kind) => groups[kind] === names.thingGroup)).toEqual(['core']);
    expect(new Set(Object.values(policyNames(names))).size).toBe(deviceKinds.length);
  });
});

test('a claim certificate may ask for a certificate and for a device, and hear what comes of it', () => {
  const asks = ['$aws/certificates/create-from-csr/json', `$aws/provisioning-templates/${templateName}/provision/json`];
  const answers = asks.flatMap((topic) => [`${topic}/accepted`, `${topic}/rejected`]);
  const { Statement } = claimPolicy(place, ['create-from-csr']);
  expect(Statement.map(({ Action, Resource }) => [...Action, ...Resource])).toEqual([
    ['iot:Connect', arn('client/claim-*')],
    ['iot:Publish', ...asks.map((topic) => arn(`topic/${topic}`))],
    ['iot:Receive', ...answers.map((topic) => arn(`topic/${topic}`))],
    ['iot:Subscribe', ...answers.map((topic) => arn(`topicfilter/${topic}`))],
  ]);
});
