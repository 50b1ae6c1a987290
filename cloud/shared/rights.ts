/** One thing that a role may do. */
export interface Right {
  action: string;
  /** Resource as in the template, with construct paths (without the stack) for references: `Readings`, `Raw/*`. */
  on: string;
  /** Where it holds; in every stage if absent. `aws` is dev and prod. */
  only?: 'local' | 'aws';
}

/**
 * What the roles of a room may do, by construct path of the role (`IngestRole`). A function's own log group and X-Ray,
 * which every NodeFunction has, are left out. Each room has one in its rights.ts; a test compares it with the templates,
 * and one with what the account answers.
 */
export type RightsTable = Readonly<Record<string, readonly Right[]>>;

/** The rights of one stage, without the roles that have none there. */
export function rightsIn(table: RightsTable, stage: 'local' | 'aws'): Record<string, Right[]> {
  const held = Object.entries(table).map(([role, rights]): [string, Right[]] => [
    role,
    rights.filter(({ only = stage }) => only === stage).map(({ action, on }) => ({ action, on })),
  ]);
  return Object.fromEntries(held.filter(([, rights]) => rights.length > 0));
}

/** What `ParkingQueue.grantPark` grants. The local account takes a batch for an action of its own, AWS for the plain one. */
export function parksAt(queue: string): Right[] {
  return [
    { action: 'sqs:SendMessage', on: queue },
    { action: 'sqs:SendMessageBatch', on: queue, only: 'local' },
  ];
}

/** What Lambda itself needs to consume a queue for a function, with the function's role. */
export function consumesFrom(queue: string): Right[] {
  return [
    'sqs:ChangeMessageVisibility',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
    'sqs:GetQueueUrl',
    'sqs:ReceiveMessage',
  ].map((action) => ({ action, on: queue }));
}

/** What Step Functions needs to deliver the log of a state machine and to trace it, with the machine's role. */
export const logsAndTraces: readonly Right[] = [
  'logs:CreateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:DescribeLogGroups',
  'logs:DescribeResourcePolicies',
  'logs:GetLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:UpdateLogDelivery',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
].map((action) => ({ action, on: '*' }));

/** What Lambda itself needs to put a function into a network, with the function's role. */
export const joinsNetwork: readonly Right[] = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
].map((action) => ({ action, on: '*' }));
