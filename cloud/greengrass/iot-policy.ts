import { type TopicNames, topics } from '../../device/transport/topics.ts';

/** Where the things and topics are. Values or CDK tokens. */
export interface IotScope {
  /** `aws`, `aws-cn`, … */
  partition: string;
  region: string;
  account: string;
}

export interface IotPolicyStatement {
  Sid: string;
  Effect: 'Allow';
  Action: string[];
  Resource: string[];
}

export interface IotPolicyDocument {
  Version: '2012-10-17';
  Statement: IotPolicyStatement[];
}

/** The components that may speak to AWS IoT Core themselves. */
export type IotComponent = 'monitor' | 'handler';

/** What a client publishes, and the filters that it subscribes to. */
interface Traffic {
  publish: string[];
  subscribe: string[];
}

/**
 * Resolves to the thing that the certificate is attached to, so that one policy serves every thing. Client ids with a
 * suffix (`<thing>#2`) are resolved only where the attachment is exclusive (`thingPrincipalType: EXCLUSIVE_THING`).
 * Source: AWS IoT Core Developer Guide, "Thing policy variables".
 */
export const thisThing = `\${iot:Connection.Thing.ThingName}`;

/** AWS IoT refuses a longer policy document; white space does not count. */
export const longestIotPolicy = 2_048;

/**
 * For a Greengrass core device: the nucleus's own topics and calls, and what its components publish to the cloud, which
 * is readings and anomalies. Answers and status stay on the device.
 */
export function coreDevicePolicy(
  scope: IotScope,
  names: TopicNames,
  { roleAlias }: { roleAlias: string },
): IotPolicyDocument {
  const own = (topic: string) => `$aws/things/${thisThing}/${topic}`;
  // `greengrass*` stands for greengrass and greengrassv2: named one by one they would not fit into one policy.
  const nucleus = ['greengrass*/health/json', 'jobs/*', 'shadow/*'].map(own);
  const { sensorData, anomaly } = topics(names);
  return document([
    connect(scope, thisThing),
    allow('Nucleus', ['iot:Publish', 'iot:Receive'], arns(scope, 'topic', nucleus)),
    allow('NucleusSubscriptions', ['iot:Subscribe'], arns(scope, 'topicfilter', nucleus)),
    allow('Messages', ['iot:Publish'], arns(scope, 'topic', [sensorData(thisThing), anomaly(thisThing)])),
    allow('Credentials', ['iot:AssumeRoleWithCertificate'], arns(scope, 'rolealias', [roleAlias])),
    // These calls know no narrower resource in an IoT policy: what a device gets is bound to its own deployments.
    allow(
      'Deployments',
      [
        'greengrass:GetComponentVersionArtifact',
        'greengrass:ResolveComponentCandidates',
        'greengrass:GetDeploymentConfiguration',
        'greengrass:ListThingGroupsForCoreDevice',
      ],
      ['*'],
    ),
  ]);
}

/**
 * For a device without Greengrass, whose components speak to AWS IoT Core themselves (`transport.kind: iot-core`) and,
 * for want of a local broker, to each other through it. The device's id is its thing name.
 *
 * @param thing its name where the policy is for one device alone, which serves clients with a suffix however the
 *   certificate is attached
 */
export function devicePolicy(
  scope: IotScope,
  names: TopicNames,
  components: readonly IotComponent[],
  thing: string = thisThing,
): IotPolicyDocument {
  const traffics = components.map((component) => traffic[component](names, thing));
  const publish = [...new Set(traffics.flatMap((one) => one.publish))];
  const subscribe = [...new Set(traffics.flatMap((one) => one.subscribe))];
  return document([
    connect(scope, thing),
    allow('Messages', ['iot:Publish'], arns(scope, 'topic', publish)),
    allow('Subscriptions', ['iot:Subscribe'], arns(scope, 'topicfilter', subscribe)),
    allow('Deliveries', ['iot:Receive'], arns(scope, 'topic', subscribe.map(matchedBy))),
  ]);
}

const traffic: Readonly<Record<IotComponent, (names: TopicNames, thing: string) => Traffic>> = {
  monitor(names, thing) {
    const { sensorData, anomaly, status, ack, handlerStatus } = topics(names);
    return {
      publish: [sensorData(thing), anomaly(thing), status(thing)],
      subscribe: [ack(thing), handlerStatus],
    };
  },
  handler(names) {
    const { ackFilter, handlerStatus, anomalyFilter, statusFilter, sensorDataFilter } = topics(names);
    return {
      publish: [matchedBy(ackFilter), handlerStatus],
      // The last is what the doctor asks for, whichever component it examines.
      subscribe: [anomalyFilter, statusFilter, sensorDataFilter, handlerStatus],
    };
  },
};

/** The wildcard of policies for the topics of a filter; in a policy `+` stands for itself. */
function matchedBy(topicFilter: string): string {
  return topicFilter.replaceAll('+', '*');
}

/** `<thing>*` would let this device in as any whose name begins with its own. */
function connect(scope: IotScope, thing: string): IotPolicyStatement {
  return allow('Connect', ['iot:Connect'], arns(scope, 'client', [thing, `${thing}#*`]));
}

function arns({ partition, region, account }: IotScope, kind: string, names: string[]): string[] {
  return names.map((name) => `arn:${partition}:iot:${region}:${account}:${kind}/${name}`);
}

function allow(Sid: string, Action: string[], Resource: string[]): IotPolicyStatement {
  return { Sid, Effect: 'Allow', Action, Resource };
}

function document(Statement: IotPolicyStatement[]): IotPolicyDocument {
  return { Version: '2012-10-17', Statement };
}
