import type { TopicNames } from '../../device/transport/topics.ts';
import { coreDevicePolicy, type IotPolicyDocument } from './iot-policy.ts';
import { arnsOf, type Names, type Place, type PolicyDocument, partitionOf } from './names.ts';

/**
 * What a Greengrass core of this project is made of, said once: `npm run provision` makes it for one device, the stack
 * for a fleet. Values may be CDK tokens.
 */

/** The topics of the post. A test holds them against the configuration's defaults. */
export const topicNames: TopicNames = {
  sensorData: 'IoTBlog/sensorData',
  anomaly: 'IoTBlog/anomaly',
  ack: 'IoTBlog/anomaly/ack',
  status: 'IoTBlog/status',
  perDevice: false,
};

export const monitorComponent = 'com.iotblog.SensorMonitor';
export const handlerComponent = 'com.iotblog.AnomalyHandler';
export const ownComponents = [monitorComponent, handlerComponent] as const;
export type OwnComponent = (typeof ownComponents)[number];

const nucleus = 'aws.greengrass.Nucleus';
const diskSpooler = 'aws.greengrass.DiskSpooler';
const secretManager = 'aws.greengrass.SecretManager';

/**
 * Components of AWS, pinned: a deployment that leaves the version open may restart a device with a new nucleus at any
 * time. The set fits together: disk spooler 1.0.6 wants nucleus >=2.11 <2.16, secret manager 2.2.7 one >=2.5 <2.17 (it
 * knows `refresh` since 2.2.0). Source: Greengrass V2 Developer Guide, tables of dependencies.
 */
export const awsComponents = {
  [nucleus]: '2.15.0',
  [diskSpooler]: '1.0.6',
  [secretManager]: '2.2.7',
} as const;

/** How much the nucleus keeps on disk for AWS IoT Core while it is offline: a week of readings every 5 s at 250 bytes. */
const spoolBytes = 32 * 1024 * 1024;

export function iotPolicy(names: Pick<Names, 'roleAlias'>, place: Place): IotPolicyDocument {
  const scope = { partition: partitionOf(place), region: place.region, account: place.account };
  return coreDevicePolicy(scope, topicNames, { roleAlias: names.roleAlias });
}

/** Only the credentials provider of AWS IoT, and only for this account, may take the token exchange role. */
export function roleTrust({ account }: Pick<Place, 'account'>): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'TokenExchange',
        Effect: 'Allow',
        Principal: { Service: 'credentials.iot.amazonaws.com' },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'aws:SourceAccount': account } },
      },
    ],
  };
}

/** Name of the role's one inline policy. */
export const rolePolicyName = 'greengrass-core';

/** What a device may do in the account: fetch its artifacts and its one secret, and write logs of Greengrass. */
export function rolePermissions(names: Names, place: Place): PolicyDocument {
  const arns = arnsOf(names, place);
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'Artifacts',
        Effect: 'Allow',
        Action: ['s3:GetObject'],
        Resource: ownComponents.map((component) => `${arns.bucket}/${component}/*`),
      },
      // The nucleus asks for the region of the bucket before it fetches from it.
      { Sid: 'ArtifactBucket', Effect: 'Allow', Action: ['s3:GetBucketLocation'], Resource: [arns.bucket] },
      {
        Sid: 'Secret',
        Effect: 'Allow',
        Action: ['secretsmanager:GetSecretValue'],
        Resource: [arns.anySecretOfName],
      },
      {
        Sid: 'Logs',
        Effect: 'Allow',
        Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams'],
        Resource: [arns.of('logs', 'log-group:/aws/greengrass/*')],
      },
    ],
  };
}

/** How long the credentials of a device are good for, in seconds; the nucleus fetches new ones by itself. */
export const credentialSeconds = 3_600;

/** Nobody reads or writes the artifacts in the clear. Public access is blocked by the bucket's own setting. */
export function bucketPolicy(names: Names, place: Place): PolicyDocument {
  const { bucket } = arnsOf(names, place);
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'TlsOnly',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: [bucket, `${bucket}/*`],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  };
}

/** What a deployment says to the components: the post's function variables. */
export interface Settings {
  /** °C */
  tempLimit: number;
  /** %RH */
  humidLimit: number;
  /** Table API of the instance. */
  snowUrl: string;
}

/** The limits of the post; it has no instance that could be a default. */
export const defaultLimits = { tempLimit: 30, humidLimit: 50 } as const;

export interface ComponentDeployment {
  componentVersion: string;
  configurationUpdate?: { merge: string };
}

/**
 * The components of a deployment. Numbers are told as text, which is how they arrive on Nucleus Lite anyway. The handler's
 * right to its secret stands here, because only here the ARN is known, and a component version cannot be changed.
 */
export function deployedComponents(
  versions: Readonly<Record<OwnComponent, string>>,
  settings: Settings,
  cloud: { secretArn: string; roleAlias: string },
): Record<string, ComponentDeployment> {
  const merge = (value: unknown) => ({ configurationUpdate: { merge: JSON.stringify(value) } });
  return {
    [nucleus]: {
      componentVersion: awsComponents[nucleus],
      ...merge({
        iotRoleAlias: cloud.roleAlias,
        mqtt: {
          spooler: {
            storageType: 'Disk',
            pluginName: diskSpooler,
            maxSizeInBytes: spoolBytes,
            keepQos0WhenOffline: false,
          },
        },
      }),
    },
    [diskSpooler]: { componentVersion: awsComponents[diskSpooler] },
    [secretManager]: {
      componentVersion: awsComponents[secretManager],
      ...merge({ cloudSecrets: [{ arn: cloud.secretArn }], periodicRefreshIntervalMin: 60 }),
    },
    [monitorComponent]: {
      componentVersion: versions[monitorComponent],
      ...merge({ tempLimit: String(settings.tempLimit), humidLimit: String(settings.humidLimit) }),
    },
    [handlerComponent]: {
      componentVersion: versions[handlerComponent],
      ...merge({
        snowUrl: settings.snowUrl,
        secrets: { name: cloud.secretArn },
        accessControl: {
          [secretManager]: {
            [`${handlerComponent}:secrets:1`]: {
              policyDescription: 'Credentials of ServiceNow.',
              operations: ['aws.greengrass#GetSecretValue'],
              resources: [cloud.secretArn],
            },
          },
        },
      }),
    },
  };
}

/**
 * A deployment that fails takes the device back to the one before. Components are told of an update and may put it off,
 * and are asked whether they accept their configuration, a minute each.
 */
export const deploymentPolicies = {
  failureHandlingPolicy: 'ROLLBACK',
  componentUpdatePolicy: { action: 'NOTIFY_COMPONENTS', timeoutInSeconds: 60 },
  configurationValidationPolicy: { timeoutInSeconds: 60 },
} as const;
