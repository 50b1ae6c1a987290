import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { describeRoom, type SynthesisedRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { filterPolicy, matchesAttributes } from './filter-policy.ts';
import { rights } from './rights.ts';
import { wildcards } from './wildcards.ts';

const room = 'cost-optimization';
describeRoom(room, { rights, wildcards });

describe(room, () => {
  let prod: SynthesisedRoom;

  beforeAll(async () => {
    prod = await synthesiseRoom(room, 'prod');
  }, 120_000);

  test('synth: only packs of the wanted routing keys are delivered, as they were sent', () => {
    const subscriptions = [...prod.stacks.values()].flat().filter(({ Type }) => Type === 'AWS::SNS::Subscription');
    expect(subscriptions.map(({ Properties }) => Properties)).toMatchObject([
      { RawMessageDelivery: true, FilterPolicy: { routingKey: ['temperature', 'humidity'] }, RedrivePolicy: {} },
    ]);
    const subscribed = z.object({ FilterPolicy: z.record(z.string(), z.array(z.string())) });
    const policy = filterPolicy(subscribed.parse(subscriptions[0]?.Properties).FilterPolicy);
    expect(matchesAttributes(policy, { routingKey: 'humidity' })).toBe(true);
    expect(matchesAttributes(policy, { routingKey: 'vibration' })).toBe(false);
    expect(matchesAttributes(policy, {})).toBe(false);
  });
});
