import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { PublishBatchCommand, SetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import { z } from 'zod';
import { breach } from '../../../cloud/incident-events/test-messages.ts';
import { publishedIncidentEvent, translate } from '../../../cloud/incident-events/translate.ts';
import type { PublishedEvent } from '../../../cloud/shared/domain-event.ts';
import type { Deployed } from '../../cloud/local-run.ts';
import { countedBetween, startCountingProxy, total } from '../counting-proxy.ts';
import { startOpenerInstance } from './opener-instance.ts';
import { flushDevice, followTaken } from './taken-events.ts';

export const consumers = ['Analytics', 'Inventory', 'Opener'] as const;
const tenths = 10;
const largestBatch = 10;
/** Events before the first that counts. */
const warmUp = 100;
/** Without a line for so long, another event brings out what the account holds back. */
const silentMs = 1_000;
/** Of one tenth. */
const limitMs = 20 * 60_000;

export interface Tenth {
  events: number;
  /** From the first publish until the slowest consumer has taken the last event. */
  ms: number;
  /** Of all consumers to AWS. */
  requests: number;
}

export interface Load {
  /** Events. */
  count: number;
  /** Devices that they are of. */
  keys: number;
  /** Who opens their incidents: with `cloud` the opener tells a ServiceNow each of them. */
  opener: 'edge' | 'cloud';
}

export interface Measured {
  tenths: readonly Tenth[];
  /** Requests of all consumers since the warm-up, by operation. */
  operations: Readonly<Record<string, number>>;
  /** Keys whose sequence at a consumer is not the published one. */
  wrong: Readonly<Record<string, number>>;
  /** Keys that have not exactly one incident, where the cloud opens them: all their breaches are in it. */
  notOne: number;
}

/** Publishes the events a tenth at a time, and waits until each consumer has taken them. */
export async function measure(
  deployed: Deployed,
  { count, keys, opener }: Load,
  tell: (line: string) => void,
): Promise<Measured> {
  const { account, outputsFile } = deployed;
  const outputs = z
    .object({ IncidentEventsStack: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(outputsFile, 'utf8'))).IncidentEventsStack;
  Object.assign(process.env, account.env);
  const proxy = await startCountingProxy({ host: '127.0.0.1', port: 4566 });
  const sns = new SNSClient();
  const TopicArn = outputs['TopicArn'];
  // The local account makes a topic of a template without the property that makes it FIFO.
  await sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName: 'FifoTopic', AttributeValue: 'true' }));
  for (const consumer of consumers) await watch(outputs[`${consumer}Name`] ?? '', consumer, proxy.url);
  const told =
    opener === 'cloud'
      ? await startOpenerInstance([outputs['OpenerName'] ?? '', outputs['TellDueName'] ?? ''])
      : undefined;
  const taken = followTaken(account.logFiles.account, consumers);
  const published = new Map<string, string[]>();
  const measured: Tenth[] = [];
  let flushes = 0;
  try {
    // The first call of a function takes longer than all others.
    await publishAll(eventsOf('warm', warmUp, keys, opener));
    await untilTaken(warmUp);
    const events = eventsOf('bench', count, keys, opener);
    const cold = proxy.counts();
    for (let tenth = 0; tenth < tenths; tenth += 1) {
      const part = events.slice((tenth * count) / tenths, ((tenth + 1) * count) / tenths);
      const before = total(proxy.counts());
      const startedAt = performance.now();
      await publishAll(part);
      await untilTaken(warmUp + ((tenth + 1) * count) / tenths);
      measured.push({
        events: part.length,
        ms: performance.now() - startedAt,
        requests: total(proxy.counts()) - before,
      });
      const { ms, requests } = measured.at(-1) ?? { ms: 0, requests: 0 };
      tell(
        `tenth ${tenth + 1}: ${part.length} events, ${(ms / part.length).toFixed(1)} ms and ${(requests / part.length).toFixed(3)} requests an event`,
      );
    }
    const wrong = consumers.map((consumer) => {
      const sequences = taken.sequences(consumer);
      const differs = ([key, ids]: [string, string[]]) => ids.join() !== (sequences.get(key) ?? []).join();
      return [consumer, [...published].filter(differs).length];
    });
    const incidents = await told?.incidents();
    const notOne = incidents === undefined ? [] : [...published.keys()].filter((key) => incidents.get(key) !== 1);
    return {
      tenths: measured,
      operations: countedBetween(cold, proxy.counts()),
      wrong: Object.fromEntries(wrong),
      notOne: notOne.length,
    };
  } finally {
    taken.close();
    await told?.stop();
    await proxy.stop();
  }

  /** Until each consumer has taken so many. */
  async function untilTaken(needed: number): Promise<void> {
    const atMost = performance.now() + limitMs;
    let seen = taken.read();
    let seenAt = performance.now();
    while (seen < needed) {
      if (performance.now() > atMost) throw new Error(`The slowest consumer took ${seen} of ${needed} events in time.`);
      await pause(20);
      const now = taken.read();
      if (now > seen) {
        seen = now;
        seenAt = performance.now();
      } else if (performance.now() - seenAt > silentMs) {
        flushes += 1;
        seenAt = performance.now();
        await publish(sns, TopicArn, eventsOf(`${flushDevice}-${flushes}`, 1, 1, 'edge'));
      }
    }
  }

  async function publishAll(events: readonly PublishedEvent[]): Promise<void> {
    for (let start = 0; start < events.length; start += largestBatch) {
      const batch = events.slice(start, start + largestBatch);
      await publish(sns, TopicArn, batch);
      for (const { groupId, id } of batch) published.set(groupId, [...(published.get(groupId) ?? []), id]);
    }
  }
}

/** Messages of `keys` devices in turn, breach after breach. */
function eventsOf(devices: string, count: number, keys: number, opener: Load['opener']): PublishedEvent[] {
  return Array.from({ length: count }, (_, place) => {
    const deviceId = `${devices}-${place % keys}`;
    const turn = Math.floor(place / keys);
    const message = breach(1 + turn - (turn % 3), { deviceId, opener })[turn % 3];
    const data = Buffer.from(JSON.stringify(message)).toString('base64');
    const translated = translate({ data, clientId: deviceId, receivedAtMs: place }, {});
    if (!translated.ok) throw new Error(translated.parked.detail);
    return publishedIncidentEvent(translated.event);
  });
}

async function publish(sns: SNSClient, TopicArn: string | undefined, batch: readonly PublishedEvent[]): Promise<void> {
  const { Failed = [] } = await sns.send(
    new PublishBatchCommand({
      TopicArn,
      PublishBatchRequestEntries: batch.map(({ id, groupId, eventType, subject, body }, place) => ({
        ...{ Id: String(place), Message: body, Subject: subject },
        ...{ MessageGroupId: groupId, MessageDeduplicationId: id },
        MessageAttributes: { eventType: { DataType: 'String', StringValue: eventType } },
      })),
    }),
  );
  if (Failed.length > 0) throw new Error(`${Failed.length} events were not published: ${Failed[0]?.Message}`);
}

/** Has a function send its requests through the proxy, and log each event that it takes under its own name. */
async function watch(FunctionName: string, consumer: string, url: string): Promise<void> {
  const lambda = new LambdaClient();
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  const Variables = {
    ...Environment?.Variables,
    ...{ AWS_ENDPOINT_URL: url, AWS_ENDPOINT_URL_S3: url },
    ...{ POWERTOOLS_SERVICE_NAME: consumer, POWERTOOLS_LOG_LEVEL: 'DEBUG' },
  };
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
}
