import {
  DeleteCertificateCommand,
  DeleteThingCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  IoTClient,
  ListAttachedPoliciesCommand,
  ListThingPrincipalsCommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import type { MqttClient } from 'mqtt';
import { z } from 'zod';
import { client } from '../testing/clients.ts';

const answerLimitMs = 20_000;
const certificateAnswer = z.object({ certificateId: z.string(), certificateOwnershipToken: z.string() });
const provisionAnswer = z.object({ thingName: z.string() });
const rejection = z.object({ errorCode: z.string(), errorMessage: z.string() });

export type Claimed = { ok: true; thingName: string; certificateId: string } | { ok: false; errorCode: string };

/** A claim over a connection that has a claim certificate: a certificate first, then the device. AWS makes the key. */
export async function claimOver(
  connection: MqttClient,
  template: string,
  parameters: Readonly<Record<string, string>>,
): Promise<Claimed> {
  const made = await ask(connection, '$aws/certificates/create/json', {});
  const { certificateId, certificateOwnershipToken } = certificateAnswer.parse(made.answer);
  const topic = `$aws/provisioning-templates/${template}/provision/json`;
  const { accepted, answer } = await ask(connection, topic, { certificateOwnershipToken, parameters });
  if (!accepted) return { ok: false, errorCode: rejection.parse(answer).errorCode };
  return { ok: true, thingName: provisionAnswer.parse(answer).thingName, certificateId };
}

async function ask(connection: MqttClient, topic: string, payload: object) {
  const answers = [`${topic}/accepted`, `${topic}/rejected`];
  await connection.subscribeAsync(answers, { qos: 1 });
  return new Promise<{ accepted: boolean; answer: unknown }>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer to ${topic}`)), answerLimitMs);
    const onMessage = (from: string, body: Buffer) => {
      if (!answers.includes(from)) return;
      clearTimeout(timer);
      connection.off('message', onMessage);
      resolve({ accepted: from === answers[0], answer: JSON.parse(body.toString()) });
    };
    connection.on('message', onMessage);
    connection.publish(topic, JSON.stringify(payload), { qos: 1 }, (error) => {
      if (error) reject(error);
    });
  });
}

/** Removes a thing with its certificates, and nothing else. */
export async function removeThing(thingName: string): Promise<void> {
  const iot = client(IoTClient);
  const { principals = [] } = await iot.send(new ListThingPrincipalsCommand({ thingName }));
  for (const principal of principals) {
    await iot.send(new DetachThingPrincipalCommand({ thingName, principal }));
    const { policies = [] } = await iot.send(new ListAttachedPoliciesCommand({ target: principal }));
    for (const { policyName } of policies) await iot.send(new DetachPolicyCommand({ policyName, target: principal }));
    const certificateId = principal.slice(principal.lastIndexOf('/') + 1);
    await iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }));
    await iot.send(new DeleteCertificateCommand({ certificateId, forceDelete: true }));
  }
  await iot.send(new DeleteThingCommand({ thingName }));
}
