import { expect, it } from 'vitest';
import { planOf } from './aws-account.ts';

it('the plan for AWS names each stack, what it costs when idle, what is left out, and what stays', () => {
  const plan = planOf({
    ...{ account: '123456789012', region: 'eu-west-1', withPaid: false, room: [], isBootstrapped: false },
    built: [
      { name: 'job-events', stacks: ['JobEventsStack', 'IncidentEventsStack'], fixedMonthlyUsd: 0 },
      { name: 'lake', stacks: ['LakeStack'], fixedMonthlyUsd: 3.5 },
    ],
    leftOut: [{ name: 'mq-consumer', fixedMonthlyUsd: 40, create: () => Promise.resolve([]) }],
  });
  expect(plan.split('\n')).toEqual([
    'In account 123456789012, eu-west-1, this will be created, tested and destroyed:',
    '  job-events: JobEventsStack, IncidentEventsStack (fixed cost: $0 a month)',
    '  lake: LakeStack (fixed cost: $3.5 a month)',
    'Fixed cost of all, were it left there: $3.5 a month. Requests and storage of the tests come on top.',
    '  CDKToolkit: the CDK is not bootstrapped there; this stays.',
    'Left out, as they cost more than their alarms even when idle: mq-consumer ($40 a month). --with-paid takes them in.',
  ]);
});
