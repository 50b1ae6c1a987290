/** A statement of an IAM or IoT policy, as AWS writes it. */
export interface Statement {
  Sid?: string;
  Effect: 'Allow' | 'Deny';
  Principal?: Record<string, string> | '*';
  Action: string | string[];
  Resource?: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

export interface PolicyDocument {
  Version: '2012-10-17';
  Statement: Statement[];
}

/** Names of what one installation is made of; those of the post where it has one. */
export interface Names {
  thing: string;
  thingGroup: string;
  /** IoT policy of the device's certificate. */
  policy: string;
  /** Role that the nucleus assumes through the token exchange service. */
  role: string;
  roleAlias: string;
  secret: string;
  bucket: string;
}

/** Where things are made. */
export interface Place {
  account: string;
  region: string;
  /** Where it does not follow from the region: a stack’s region is not known before it is deployed. */
  partition?: string;
}

export const defaultRegion = 'eu-west-1';

/** Where the post names nothing (it knew no role alias and no bucket), the name says what it is for. */
export const defaultNames = {
  thing: 'IoT-blog_Core',
  thingGroup: 'IoT-blog-group',
  policy: 'myGGPolicy',
  role: 'IoTGGRole',
  roleAlias: 'IoTGGRoleAlias',
  secret: 'greengrass-snow-creds',
} as const;

/** Buckets are named worldwide: account and region make the name ours. */
export function defaultBucket({ account, region }: Place): string {
  return `iot-blog-artifacts-${account}-${region}`;
}

/** `aws`, but in China and GovCloud. */
export function partitionOf({ region, partition }: Pick<Place, 'region' | 'partition'>): string {
  if (partition !== undefined) return partition;
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

/** ARNs of what is named, but of the two whose ends AWS makes up: certificates and secrets. */
export function arnsOf(names: Names, place: Place) {
  const { account, region } = place;
  const partition = partitionOf(place);
  const of = (service: string, resource: string) => `arn:${partition}:${service}:${region}:${account}:${resource}`;
  return {
    of,
    thing: of('iot', `thing/${names.thing}`),
    thingGroup: of('iot', `thinggroup/${names.thingGroup}`),
    policy: of('iot', `policy/${names.policy}`),
    roleAlias: of('iot', `rolealias/${names.roleAlias}`),
    anyCertificate: of('iot', 'cert/*'),
    role: `arn:${partition}:iam::${account}:role/${names.role}`,
    /** Secrets Manager appends six characters of its own choice. */
    anySecretOfName: of('secretsmanager', `secret:${names.secret}-??????`),
    /** For what is said before the secret exists: a partial ARN, which AWS understands too. */
    partialSecret: of('secretsmanager', `secret:${names.secret}`),
    bucket: `arn:${partition}:s3:::${names.bucket}`,
    component: (name: string) => of('greengrass', `components:${name}`),
    componentVersion: (name: string, version: string) => of('greengrass', `components:${name}:versions:${version}`),
    coreDevice: of('greengrass', `coreDevices:${names.thing}`),
    anyDeployment: of('greengrass', 'deployments:*'),
  };
}
