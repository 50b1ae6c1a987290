import { ArnFormat, SecretValue, Stack } from 'aws-cdk-lib';
import { CfnBroker, CfnConfiguration } from 'aws-cdk-lib/aws-amazonmq';
import { InterfaceVpcEndpointAwsService, Peer, Port, type SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { CfnResourcePolicy } from 'aws-cdk-lib/aws-logs';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge.ts';
import { IsolatedNetwork } from '../shared/isolated-network.ts';
import type { Stage } from '../stages.ts';
import { authorization, destinationPolicy, groups } from './broker-policy.ts';

/** OpenWire over TLS, which Lambda speaks, and STOMP over TLS, for senders without Java. */
const messagePorts = [61_617, 61_614];
const consolePort = 8_162;

export interface PlantBrokerProps {
  stage: Stage;
  name: string;
  queue: string;
  /** Where who is to use the broker learns its password. */
  secrets: { consumer: string; producer: string; operator: string };
  networkCidr: string;
  /** Networks of the plant, joined with this one, whose machines may send. */
  plantCidrs: readonly string[];
  /** Networks whose people may open the console. */
  operatorCidrs: readonly string[];
  /** With a standby in a second zone, or the one alone. */
  deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ' | 'SINGLE_INSTANCE';
  instanceType: string;
  engineVersion: string;
}

/** An ActiveMQ broker that no address of the Internet reaches, its users, and the endpoints by which Lambda reads it. */
export class PlantBroker extends Construct {
  readonly broker: CfnBroker;
  /** Of the user with whom Lambda reads. */
  readonly consumerSecret: CfnSecret;

  constructor(scope: Construct, id: string, props: PlantBrokerProps) {
    super(scope, id);
    const { stage, name, queue, secrets, deploymentMode } = props;
    const network = new IsolatedNetwork(this, 'Network', { stage, cidr: props.networkCidr });
    const group = network.createGroup(this, 'Group', 'Broker of the plant and the poller that reads it');
    this.open(group, props);
    // The poller of Lambda stands in the broker's subnets and group, and calls these.
    for (const [service, endpoint] of Object.entries({
      Lambda: InterfaceVpcEndpointAwsService.LAMBDA,
      Sts: InterfaceVpcEndpointAwsService.STS,
      SecretsManager: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    })) {
      network.createEndpoint(network, service, endpoint, { from: [group], description: `Poller to ${service}` });
    }

    this.consumerSecret = this.createSecret('Consumer', { stage, name: secrets.consumer, username: 'lambda' });
    const producer = this.createSecret('Producer', { stage, name: secrets.producer, username: 'plant' });
    const operator = this.createSecret('Operator', { stage, name: secrets.operator, username: 'operator' });

    const configuration = new CfnConfiguration(this, 'Configuration', {
      ...{ name: `${name}-broker`, engineType: 'ACTIVEMQ', engineVersion: props.engineVersion },
      data: Buffer.from(configurationOf(queue)).toString('base64'),
    });
    this.broker = new CfnBroker(this, 'Resource', {
      brokerName: name,
      ...{ engineType: 'ACTIVEMQ', engineVersion: props.engineVersion, hostInstanceType: props.instanceType },
      deploymentMode,
      publiclyAccessible: false,
      subnetIds: network.vpc.isolatedSubnets
        .slice(0, deploymentMode === 'SINGLE_INSTANCE' ? 1 : 2)
        .map(({ subnetId }) => subnetId),
      securityGroups: [group.securityGroupId],
      // Lambda knows no other.
      authenticationStrategy: 'SIMPLE',
      encryptionOptions: { useAwsOwnedKey: true },
      autoMinorVersionUpgrade: true,
      logs: { general: true, audit: true },
      maintenanceWindowStartTime: { dayOfWeek: 'SUNDAY', timeOfDay: '03:00', timeZone: 'UTC' },
      configuration: { id: configuration.ref, revision: configuration.attrRevision },
      users: [
        { ...userOf(this.consumerSecret), groups: [groups.consumers] },
        { ...userOf(producer), groups: [groups.producers] },
        { ...userOf(operator), groups: [groups.operators], consoleAccess: true },
      ],
    });
    this.broker.applyRemovalPolicy(stage.removalPolicy);
    // Amazon MQ asks whether it may write its logs before it makes the broker.
    this.broker.node.addDependency(this.letWriteLogs(name));
  }

  /** The names of the log groups have the broker's id, which it has not before it is made. */
  private letWriteLogs(name: string): CfnResourcePolicy {
    const { account } = Stack.of(this);
    const log = Stack.of(this).formatArn({
      ...{ service: 'logs', resource: 'log-group', resourceName: '/aws/amazonmq/*' },
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    const statement = {
      Effect: 'Allow',
      Principal: { Service: 'mq.amazonaws.com' },
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: log,
      Condition: { StringEquals: { 'aws:SourceAccount': account } },
    };
    return new CfnResourcePolicy(this, 'WritesLogs', {
      policyName: `${name}-broker`,
      policyDocument: Stack.of(this).toJsonString({ Version: '2012-10-17', Statement: [statement] }),
    });
  }

  private open(group: SecurityGroup, { plantCidrs, operatorCidrs }: PlantBrokerProps): void {
    const openWire = Port.tcp(61_617);
    group.addIngressRule(group, openWire, 'Poller to broker');
    group.addEgressRule(group, openWire, 'Poller to broker');
    for (const cidr of plantCidrs) {
      for (const port of messagePorts) group.addIngressRule(Peer.ipv4(cidr), Port.tcp(port), 'Plant to broker');
    }
    for (const cidr of operatorCidrs) {
      group.addIngressRule(Peer.ipv4(cidr), Port.tcp(consolePort), 'Operators to console');
    }
  }

  private createSecret(
    id: string,
    { stage, name, username }: { stage: Stage; name: string; username: string },
  ): CfnSecret {
    const secret = new CfnSecret(this, id, {
      name,
      description: `User ${username} of the broker: {"username","password"}`,
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ username }),
        generateStringKey: 'password',
        passwordLength: 32,
        // A password of Amazon MQ has no comma, colon or equals sign.
        excludePunctuation: true,
      },
    });
    secret.applyRemovalPolicy(stage.removalPolicy);
    acknowledge(
      secret,
      'AwsSolutions-SMG4',
      'A new password counts after the broker has restarted, so it is changed in its maintenance window: see the runbook.',
    );
    return secret;
  }
}

/** Name and password as CloudFormation reads them from the secret, so that neither stands in a template. */
function userOf(secret: CfnSecret): { username: string; password: string } {
  const of = (jsonField: string) => SecretValue.secretsManager(secret.ref, { jsonField }).unsafeUnwrap();
  return { username: of('username'), password: of('password') };
}

function configurationOf(queue: string): string {
  return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<broker xmlns="http://activemq.apache.org/schema/core">
${destinationPolicy}
<destinations><queue physicalName="${queue}"/></destinations>
<plugins>
${authorization(queue)}
</plugins>
</broker>
`;
}
