import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateKeysAndCertificateCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  DeleteCertificateCommand,
  DeletePolicyCommand,
  DeleteThingCommand,
  DescribeEndpointCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  IoTClient,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import { connectAsync, type MqttClient } from 'mqtt';
import { z } from 'zod';
import { account, client } from './clients.ts';

/** Where devices connect to, by mutual TLS. */
export interface MqttEndpoint {
  host: string;
  port: number;
  /** What signed the broker's certificate, PEM; undefined on AWS, whose authorities are public. */
  authority: string | undefined;
}

export async function mqttEndpoint(): Promise<MqttEndpoint> {
  if (account.isLocal) {
    const answer = await fetch(`${account.endpoint}/_ministack/iot/ca.pem`);
    return { host: 'localhost', port: 8883, authority: await answer.text() };
  }
  const { endpointAddress } = await client(IoTClient).send(
    new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }),
  );
  return { host: z.string().parse(endpointAddress), port: 8883, authority: undefined };
}

export interface ConnectOptions {
  /** Default: the thing's name. */
  clientId?: string;
  protocolVersion?: 4 | 5;
}

/** A thing with a certificate of its own. */
export interface Device {
  thingName: string;
  certificateId: string;
  certificateArn: string;
  /** PEM. */
  certificate: string;
  key: string;
  /** The same on disk, for clients that take files; `authority` only on the local account. */
  files: { certificate: string; key: string; authority: string };
  /** One connection attempt, MQTT 5 unless told otherwise. Rejects where the broker refuses it. */
  connect(options?: ConnectOptions): Promise<MqttClient>;
  /** Ends its connections and removes thing, certificate, and the policy where it was made here. */
  remove(): Promise<void>;
}

/**
 * Makes a thing, a certificate and, of a document, a policy: what a device needs to connect.
 *
 * @param policy name of a policy that there is, or a document
 */
export async function createDevice(thingName: string, policy: string | object): Promise<Device> {
  const iot = client(IoTClient);
  await iot.send(new CreateThingCommand({ thingName }));
  const made = certificateSchema.parse(await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true })));
  const { certificateArn, certificateId, certificatePem, keyPair } = made;
  const policyName = typeof policy === 'string' ? policy : `test-${thingName}`;
  if (typeof policy === 'object') {
    await iot.send(new CreatePolicyCommand({ policyName, policyDocument: JSON.stringify(policy) }));
  }
  await iot.send(new AttachPolicyCommand({ policyName, target: certificateArn }));
  await iot.send(new AttachThingPrincipalCommand({ thingName, principal: certificateArn }));
  const endpoint = await mqttEndpoint();
  const connections: MqttClient[] = [];
  return {
    thingName,
    certificateId,
    certificateArn,
    certificate: certificatePem,
    key: keyPair.PrivateKey,
    files: writeFiles(thingName, {
      certificate: certificatePem,
      key: keyPair.PrivateKey,
      authority: endpoint.authority ?? '',
    }),
    connect: async ({ clientId = thingName, protocolVersion = 5 } = {}) => {
      const { host, port, authority } = endpoint;
      const connection = await connectAsync(
        `mqtts://${host}:${port}`,
        {
          clientId,
          protocolVersion,
          cert: certificatePem,
          key: keyPair.PrivateKey,
          ...(authority === undefined ? {} : { ca: authority }),
          reconnectPeriod: 0,
          connectTimeout: 10_000,
        },
        // One attempt: a refusal is an answer.
        false,
      );
      connections.push(connection);
      return connection;
    },
    remove: async () => {
      for (const connection of connections) await connection.endAsync(true);
      await iot.send(new DetachThingPrincipalCommand({ thingName, principal: certificateArn }));
      await iot.send(new DetachPolicyCommand({ policyName, target: certificateArn }));
      await iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }));
      await iot.send(new DeleteCertificateCommand({ certificateId, forceDelete: true }));
      await iot.send(new DeleteThingCommand({ thingName }));
      if (typeof policy === 'object') await iot.send(new DeletePolicyCommand({ policyName }));
    },
  };
}

const certificateSchema = z.object({
  certificateArn: z.string(),
  certificateId: z.string(),
  certificatePem: z.string(),
  keyPair: z.object({ PrivateKey: z.string() }),
});

function writeFiles(name: string, contents: { certificate: string; key: string; authority: string }): Device['files'] {
  const file = (part: string) => join(account.folder, `${name}.${part}`);
  const files = { certificate: file('cert.pem'), key: file('private.key'), authority: file('ca.pem') };
  writeFileSync(files.certificate, contents.certificate);
  writeFileSync(files.key, contents.key, { mode: 0o600 });
  writeFileSync(files.authority, contents.authority);
  return files;
}
