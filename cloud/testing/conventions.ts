import { z } from 'zod';
import { watchable } from '../shared/alarm.ts';
import { headingAnchor } from '../shared/heading-anchor.ts';
import type { Right } from '../shared/rights.ts';
import { sharedWildcards, type Wildcard } from '../shared/wildcards.ts';
import { allowing, type Statement } from './statements.ts';
import { inWords, type TemplateResource } from './template.ts';

type Resources = readonly TemplateResource[];

const ofType = (resources: Resources, type: string) => resources.filter(({ Type }) => Type === type);
/** Whether it is what every NodeFunction holds. */
export const isShared = ({ actions, resources }: Statement) =>
  sharedWildcards.some(({ statement, resource }) => statement === actions.join(', ') && resources.join() === resource);

/** IAM takes `*` for any text and `?` for any character. */
const isPattern = (text: string) => /[*?]/.test(text);

/** What is wrong with `*` and `?` in the policies of the stacks, compared with the list; a sentence each. */
export function wildcardFindings(stacks: readonly Resources[], wildcards: readonly Wildcard[]): string[] {
  const statements = stacks.flatMap((resources) => allowing(resources)).filter((statement) => !isShared(statement));
  const found = statements.flatMap(({ path, actions, resources }) =>
    resources.filter(isPattern).map((resource) => ({ path, statement: actions.join(', '), resource })),
  );
  const matches = (entry: Wildcard, { path, statement, resource }: Omit<Wildcard, 'reason'>) =>
    (path === entry.path || path.startsWith(`${entry.path}/`)) &&
    statement === entry.statement &&
    resource === entry.resource;
  return [
    ...statements.flatMap(({ path, actions }) =>
      actions.filter(isPattern).map((action) => `${path} allows ${action}: name each action.`),
    ),
    ...found
      .filter((one) => !wildcards.some((entry) => matches(entry, one)))
      .map((one) => `${JSON.stringify(one)} is not in wildcards.ts: name the resource, or say there why it cannot be.`),
    ...wildcards
      .filter((entry) => !found.some((one) => matches(entry, one)))
      .map((entry) => `${JSON.stringify(entry)} of wildcards.ts fits no statement: remove it.`),
  ];
}

/** What the roles may do, sorted; a function's own logs and X-Ray, which all have, left out. */
export function rightsOf(stacks: readonly Resources[]): Record<string, Right[]> {
  const table = stacks.flatMap((resources) => {
    const statements = allowing(resources).filter((statement) => !isShared(statement));
    return ofType(resources, 'AWS::IAM::Role').map(({ path: role }): [string, Right[]] => {
      const ownLogs = logGroupsOf(role, resources);
      const rights = statements
        .filter(({ roles }) => roles.includes(role))
        .flatMap(({ actions, resources: on }) =>
          actions.flatMap((action) => on.map((one) => ({ action, on: withoutDigest(one) }))),
        )
        .filter(({ action, on }) => !(action.startsWith('logs:') && ownLogs.includes(on)));
      return [role, sortedRights(rights)];
    });
  });
  return Object.fromEntries(table.filter(([, rights]) => rights.length > 0));
}

/** An asset is named by what is in it, other with each change: in tables its name is `<digest>.zip`. */
function withoutDigest(resource: string): string {
  return resource.replace(/\b[0-9a-f]{64}\.zip$/, '<digest>.zip');
}

/** In order, each once. */
export function sortedRights(rights: readonly Right[]): Right[] {
  const keyed = new Map(rights.map((right) => [`${right.on} ${right.action}`, right]));
  return [...keyed].toSorted(([a], [b]) => a.localeCompare(b)).map(([, right]) => right);
}

const functionSchema = z.object({
  Runtime: z.string().optional(),
  Role: z.unknown(),
  Architectures: z.array(z.string()).optional(),
  TracingConfig: z.object({ Mode: z.string() }).optional(),
  LoggingConfig: z.object({ LogGroup: z.unknown(), LogFormat: z.string().optional() }).optional(),
});

/** Log groups of the functions that take this role. */
function logGroupsOf(role: string, resources: Resources): string[] {
  return ofType(resources, 'AWS::Lambda::Function')
    .map(({ Properties }) => functionSchema.parse(Properties))
    .filter(({ Role }) => inWords(Role, resources) === role)
    .map(({ LoggingConfig }) => inWords(LoggingConfig?.LogGroup ?? '', resources));
}

/** What a function of stage prod lacks of what `NodeFunction` gives. */
export function functionFindings(resources: Resources): string[] {
  const statements = allowing(resources);
  return ofType(resources, 'AWS::Lambda::Function').flatMap(({ path, Properties }) => {
    const { Runtime, Role, Architectures, TracingConfig, LoggingConfig } = functionSchema.parse(Properties);
    const logGroup = inWords(LoggingConfig?.LogGroup ?? '', resources);
    const held = statements.filter(({ roles }) => roles.includes(inWords(Role, resources)));
    const mayWrite = ({ actions, resources: on }: Statement) =>
      actions.includes('logs:PutLogEvents') && on.includes(logGroup);
    return [
      ...(Runtime?.startsWith('nodejs') === true && Runtime !== 'nodejs24.x' ? [`${path} runs on ${Runtime}.`] : []),
      ...(Architectures?.join() === 'arm64' ? [] : [`${path} is not built for arm64.`]),
      ...(TracingConfig?.Mode === 'Active' && held.some(isShared) ? [] : [`${path} is not traced.`]),
      ...(held.some(mayWrite) ? [] : [`${path} may not write its logs.`]),
      ...(resources.find((one) => one.path === logGroup)?.Properties['RetentionInDays'] === undefined
        ? [`${path} has no log group with a retention.`]
        : []),
    ];
  });
}

/** Services that call a function and do not wait for what comes of it. */
const asynchronous = ['events', 'iot', 's3', 'ses', 'sns'].map((service) => `${service}.amazonaws.com`);
const permissionSchema = z.object({
  FunctionName: z.unknown(),
  Principal: z.string(),
  SourceArn: z.unknown().optional(),
});
/** AWS IoT waits for the hook of a provisioning template, unlike for the function of a rule. */
const waitedFor = ':provisioningtemplate/';

/** Functions that are called asynchronously, and whose last failure would leave no trace. */
export function asynchronousFindings(resources: Resources): string[] {
  const called = ofType(resources, 'AWS::Lambda::Permission')
    .map(({ Properties }) => permissionSchema.parse(Properties))
    .filter(({ Principal }) => asynchronous.includes(Principal))
    .filter(({ SourceArn }) => !inWords(SourceArn ?? '', resources).includes(waitedFor))
    .map(({ FunctionName }) => inWords(FunctionName, resources));
  return ofType(resources, 'AWS::Lambda::Function')
    .filter(({ path, Properties }) => called.includes(path) && Properties['DeadLetterConfig'] === undefined)
    .map(({ path }) => `${path} is called asynchronously and has no dead letters: say invoked: 'async'.`);
}

const streamSourceSchema = z.object({
  EventSourceArn: z.unknown(),
  StartingPosition: z.string().optional(),
  MaximumRetryAttempts: z.int().min(0).optional(),
  MaximumRecordAgeInSeconds: z.int().min(0).optional(),
  BisectBatchOnFunctionError: z.boolean().optional(),
  DestinationConfig: z.object({ OnFailure: z.object({ Destination: z.unknown() }) }).optional(),
  FunctionResponseTypes: z.array(z.string()).default([]),
});

/** What a stream's event source lacks so that one record cannot hold up its shard for ever. */
export function streamFindings(resources: Resources): string[] {
  return ofType(resources, 'AWS::Lambda::EventSourceMapping').flatMap(({ path, Properties }) => {
    const source = streamSourceSchema.parse(Properties);
    if (source.StartingPosition === undefined) return [];
    return [
      ...(source.MaximumRetryAttempts === undefined ? [`${path} retries for ever.`] : []),
      ...(source.MaximumRecordAgeInSeconds === undefined ? [`${path} has no age at which it lets go.`] : []),
      ...(source.BisectBatchOnFunctionError === true ? [] : [`${path} does not bisect a failing batch.`]),
      ...(source.DestinationConfig === undefined ? [`${path} has no queue for what it lets go.`] : []),
      ...(source.FunctionResponseTypes.includes('ReportBatchItemFailures')
        ? []
        : [`${path} knows no partial failure.`]),
    ];
  });
}

/**
 * Types whose loss is a loss of data, or of what others know or have entered themselves: the address of an API and the keys
 * to it, the subscriptions of a topic, the tables that a function has written into a catalogue.
 */
const statefulTypes = [
  'AWS::AmazonMQ::Broker',
  'AWS::ApiGateway::RestApi',
  'AWS::ApiGatewayV2::Api',
  'AWS::Cognito::UserPool',
  'AWS::DynamoDB::GlobalTable',
  'AWS::DynamoDB::Table',
  'AWS::EFS::FileSystem',
  'AWS::Glue::Database',
  'AWS::KMS::Key',
  'AWS::Kinesis::Stream',
  'AWS::Redshift::Cluster',
  'AWS::S3::Bucket',
  'AWS::SNS::Topic',
  'AWS::SQS::Queue',
  'AWS::SecretsManager::Secret',
];

/** Kept as well, but under any logical id: a log goes on in a new group, and the old one stays where it is. */
const keptTypes = [...statefulTypes, 'AWS::Logs::LogGroup'];

/** Types that can refuse to be deleted by hand, and where their template says so. */
const protectedTypes: Readonly<Record<string, z.ZodType>> = {
  'AWS::Cognito::UserPool': z.object({ DeletionProtection: z.literal('ACTIVE') }),
  'AWS::DynamoDB::GlobalTable': z.object({
    Replicas: z.array(z.object({ DeletionProtectionEnabled: z.literal(true) })).min(1),
  }),
  'AWS::DynamoDB::Table': z.object({ DeletionProtectionEnabled: z.literal(true) }),
};

/** Resources of stage prod that a person can delete by hand although their type can refuse it. */
export function protectionFindings(resources: Resources): string[] {
  return resources
    .filter(({ Type, Properties }) => protectedTypes[Type]?.safeParse(Properties).success === false)
    .map(({ path }) => `${path} can be deleted by hand: give it stage.deletionProtection.`);
}

/** Stateful resources by stack and logical id, and what stage prod would lose of them. */
export function statefulResources(stacks: ReadonlyMap<string, Resources>): {
  pinned: Record<string, Record<string, string>>;
  findings: string[];
} {
  const stateful = [...stacks].map(([stack, resources]) => ({
    stack,
    resources: resources
      .filter(({ Type }) => statefulTypes.includes(Type))
      .toSorted((a, b) => a.logicalId.localeCompare(b.logicalId)),
  }));
  return {
    pinned: Object.fromEntries(
      stateful.map(({ stack, resources }) => [
        stack,
        Object.fromEntries(resources.map(({ logicalId, Type }) => [logicalId, Type])),
      ]),
    ),
    findings: [...stacks.values()].flatMap((resources) =>
      resources
        .filter(({ Type }) => keptTypes.includes(Type))
        .filter(
          ({ DeletionPolicy, UpdateReplacePolicy }) => DeletionPolicy !== 'Retain' || UpdateReplacePolicy !== 'Retain',
        )
        .map(({ path }) => `${path} is lost with its stack or its replacement: give it stage.removalPolicy.`),
    ),
  };
}

const alarmSchema = z.object({
  MetricName: z.string().optional(),
  Metrics: z
    .array(z.object({ MetricStat: z.object({ Metric: z.object({ MetricName: z.string() }) }).optional() }))
    .default([]),
  AlarmDescription: z.string().default(''),
  AlarmActions: z.array(z.unknown()).default([]),
  ActionsEnabled: z.boolean().default(true),
});

/** What is wrong with the alarms: their metric, their action, or the runbook that they name. */
export function alarmFindings(resources: Resources, { room, readme }: { room: string; readme: string }): string[] {
  const anchors = [...readme.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => headingAnchor(heading));
  const allowed = Object.values(watchable);
  return ofType(resources, 'AWS::CloudWatch::Alarm').flatMap(({ path, Properties }) => {
    const alarm = alarmSchema.parse(Properties);
    const metrics = [
      alarm.MetricName ?? [],
      alarm.Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.MetricName ?? []),
    ].flat();
    const runbook = / What to do: cloud\/([a-z-]+)\/README\.md#(.+)$/.exec(alarm.AlarmDescription);
    return [
      ...metrics
        .filter((metric) => !allowed.some((pattern) => pattern.test(metric)))
        .map((metric) => `${path} watches ${metric}, which wakes nobody: put it on the dashboard.`),
      ...(alarm.AlarmActions.length > 0 && alarm.ActionsEnabled ? [] : [`${path} tells nobody.`]),
      ...(runbook !== null && runbook[1] === room && anchors.includes(runbook[2] ?? '')
        ? []
        : [`${path} says "${alarm.AlarmDescription}", and cloud/${room}/README.md has no such heading.`]),
    ];
  });
}
