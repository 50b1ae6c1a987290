import { describe, expect, test } from 'vitest';
import { configSchema } from '../../device/config/schema.ts';
import {
  coreDevicePolicy,
  devicePolicy,
  type IotComponent,
  type IotPolicyDocument,
  longestIotPolicy,
} from './iot-policy.ts';

const scope = { partition: 'aws', region: 'eu-west-1', account: '123456789012' };
/** Where names are longest. */
const farScope = { ...scope, partition: 'aws-us-gov', region: 'ap-southeast-2' };
const names = configSchema.parse({}).topics;
const perDevice = { ...names, perDevice: true };
const both: IotComponent[] = ['monitor', 'handler'];

const thing = `\${iot:Connection.Thing.ThingName}`;
const arn = (rest: string) => `arn:aws:iot:eu-west-1:123456789012:${rest}`;

/** Resources of an action, without what all of them begin with. */
function granted({ Statement }: IotPolicyDocument, action: string): string[] {
  return Statement.filter(({ Action }) => Action.includes(action))
    .flatMap(({ Resource }) => Resource)
    .map((resource) => resource.replace(arn(''), ''));
}

describe('policy of a Greengrass core', () => {
  const policy = coreDevicePolicy(scope, names, { roleAlias: 'GreengrassCoreTokenExchangeRoleAlias' });

  test('lets it publish its own state, readings and anomalies, and nothing else', () => {
    expect(granted(policy, 'iot:Publish')).toEqual([
      `topic/$aws/things/${thing}/greengrass*/health/json`,
      `topic/$aws/things/${thing}/jobs/*`,
      `topic/$aws/things/${thing}/shadow/*`,
      'topic/IoTBlog/sensorData',
      'topic/IoTBlog/anomaly',
    ]);
  });

  test('lets it hear of itself alone', () => {
    for (const action of ['iot:Subscribe', 'iot:Receive']) {
      const resources = granted(policy, action);
      expect(resources).toHaveLength(3);
      for (const resource of resources) expect(resource).toContain(`/$aws/things/${thing}/`);
    }
  });

  test('lets it take the role of its alias', () => {
    expect(granted(policy, 'iot:AssumeRoleWithCertificate')).toEqual([
      'rolealias/GreengrassCoreTokenExchangeRoleAlias',
    ]);
  });
});

describe('policy of a device without Greengrass', () => {
  test('lets a monitor publish and hear what it needs', () => {
    const policy = devicePolicy(scope, names, ['monitor']);
    expect(granted(policy, 'iot:Publish')).toEqual([
      'topic/IoTBlog/sensorData',
      'topic/IoTBlog/anomaly',
      `topic/IoTBlog/status/${thing}`,
    ]);
    expect(granted(policy, 'iot:Subscribe')).toEqual([
      'topicfilter/IoTBlog/anomaly/ack',
      'topicfilter/IoTBlog/status/handler',
    ]);
    expect(granted(policy, 'iot:Receive')).toEqual(['topic/IoTBlog/anomaly/ack', 'topic/IoTBlog/status/handler']);
  });

  test('binds a monitor to topics of its own where each device has some', () => {
    const policy = devicePolicy(scope, perDevice, ['monitor']);
    expect(granted(policy, 'iot:Publish')).toEqual([
      `topic/IoTBlog/sensorData/${thing}`,
      `topic/IoTBlog/anomaly/from/${thing}`,
      `topic/IoTBlog/status/${thing}`,
    ]);
    expect(granted(policy, 'iot:Receive')).toContain(`topic/IoTBlog/anomaly/ack/${thing}`);
  });

  test('names the device where it is for that one alone', () => {
    const policy = devicePolicy(scope, perDevice, ['monitor'], 'pi');
    expect(granted(policy, 'iot:Connect')).toEqual(['client/pi', 'client/pi#*']);
    expect(JSON.stringify(policy)).not.toContain(thing);
  });

  test('lets a handler hear and answer every device', () => {
    const policy = devicePolicy(scope, perDevice, ['handler']);
    expect(granted(policy, 'iot:Publish')).toEqual(['topic/IoTBlog/anomaly/ack/*', 'topic/IoTBlog/status/handler']);
    expect(granted(policy, 'iot:Subscribe')).toEqual([
      'topicfilter/IoTBlog/anomaly/from/+',
      'topicfilter/IoTBlog/status/+',
      'topicfilter/IoTBlog/sensorData/+',
      'topicfilter/IoTBlog/status/handler',
    ]);
    expect(granted(policy, 'iot:Receive')).toEqual([
      'topic/IoTBlog/anomaly/from/*',
      'topic/IoTBlog/status/*',
      'topic/IoTBlog/sensorData/*',
      'topic/IoTBlog/status/handler',
    ]);
  });
});

describe.each([
  ['core', coreDevicePolicy(farScope, perDevice, { roleAlias: 'x'.repeat(64) })],
  ['device', devicePolicy(farScope, perDevice, both)],
])('every policy: %s', (_what, policy) => {
  test('connects by the thing’s name and its suffixes only', () => {
    expect(policy.Statement.find(({ Sid }) => Sid === 'Connect')?.Resource).toEqual([
      `arn:aws-us-gov:iot:ap-southeast-2:123456789012:client/${thing}`,
      `arn:aws-us-gov:iot:ap-southeast-2:123456789012:client/${thing}#*`,
    ]);
  });

  test('is as short as AWS IoT wants it', () => {
    expect(JSON.stringify(policy).length).toBeLessThanOrEqual(longestIotPolicy);
  });

  test('names no whole account but for calls that know nothing narrower', () => {
    for (const { Action, Resource } of policy.Statement) {
      const whole = Resource.filter((resource) => resource.endsWith('*') && !/\/.*[/#]\*$/.test(resource));
      if (!Action.every((action) => action.startsWith('greengrass:'))) expect(whole).toEqual([]);
    }
  });
});
