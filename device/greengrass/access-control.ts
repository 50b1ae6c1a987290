import type { CallName, StreamName } from './ipc.ts';

export type Operation = CallName | StreamName;

interface Service {
  /** Its name in `accessControl`. */
  name: string;
  /** Its part in the name of a policy. */
  policy: string;
  /** What `resources` names. */
  resource: string;
}

const pubsub = { name: 'aws.greengrass.ipc.pubsub', policy: 'pubsub', resource: 'topic' };
const mqttProxy = { name: 'aws.greengrass.ipc.mqttproxy', policy: 'mqttproxy', resource: 'topic' };
const secretManager = { name: 'aws.greengrass.SecretManager', policy: 'secrets', resource: 'ARN of the secret' };

/**
 * The services whose operations a recipe has to allow, by operation. The others are open to a component's own
 * configuration and state.
 * Source: developer guide, "Authorize components to perform IPC operations".
 */
export const guardedBy: Readonly<Partial<Record<Operation, Service>>> = {
  PublishToTopic: pubsub,
  SubscribeToTopic: pubsub,
  PublishToIoTCore: mqttProxy,
  SubscribeToIoTCore: mqttProxy,
  GetSecretValue: secretManager,
};

/** What a request needs in `resources`: a topic, with `*` for the wildcards of MQTT, or a secret. */
export function resourceOf(request: object): string {
  if ('topic' in request) return asPattern(String(request.topic));
  if ('topicFilter' in request) return asPattern(String(request.topicFilter));
  return 'secretId' in request ? String(request.secretId) : '*';
}

/** In an access policy `*` stands for any characters; `+` and `#` have no such meaning on every nucleus. */
function asPattern(topicFilter: string): string {
  return topicFilter.replaceAll(/[+#]/g, '*');
}

/** What to add to the recipe so that `component` may do this. */
export function missingAccess(component: string, operation: Operation, request: object): string {
  const service = guardedBy[operation];
  if (service === undefined) return `the nucleus does not allow ${component} ${operation}`;
  const resource = resourceOf(request);
  return `the nucleus does not allow ${component} ${operation} on ${resource}. Add to accessControl in the component's recipe, or by a deployment in its configuration:
  ${service.name}:
    '${component}:${service.policy}:1':
      operations: ['aws.greengrass#${operation}']
      resources: ['${resource}'] # ${service.resource}`;
}
