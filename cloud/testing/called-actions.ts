import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { joinsNetwork, type Right } from '../shared/rights.ts';
import { rightsOf } from './conventions.ts';
import { inWords, type TemplateResource } from './template.ts';

const cloud = join(import.meta.dirname, '..');

/** Packages of the SDK whose actions have another prefix than the package a name. */
const prefixes: Readonly<Record<string, string>> = {
  'api-gateway': 'apigateway',
  appconfigdata: 'appconfig',
  'cognito-identity-provider': 'cognito-idp',
  eventbridge: 'events',
  'service-catalog': 'servicecatalog',
  'secrets-manager': 'secretsmanager',
  sfn: 'states',
};

/** What Service Catalog does with stack sets in the name of its caller. */
const stackSets = [
  ...['CreateStackInstances', 'CreateStackSet', 'DescribeStackSet', 'DescribeStackSetOperation', 'ListStackInstances'],
  ...['ListStackSetOperationResults', 'UpdateStackInstances', 'UpdateStackSet'],
].map((operation) => `cloudformation:${operation}`);

/** Operations that AWS asks for under other actions. All others are asked for under their own name. */
const askedAs: Readonly<Record<string, readonly string[]>> = {
  // PUT is for the tags that it is created with.
  'apigateway:CreateApiKey': ['apigateway:POST', 'apigateway:PUT'],
  'apigateway:CreateUsagePlanKey': ['apigateway:POST'],
  'apigateway:DeleteApiKey': ['apigateway:DELETE'],
  // Athena reads the table, and reads and writes objects, with the rights of who asks it.
  'athena:StartQueryExecution': [
    ...['athena:StartQueryExecution', 'glue:GetDatabase', 'glue:GetPartitions', 'glue:GetTable'],
    ...['s3:GetBucketLocation', 's3:GetObject', 's3:ListBucket', 's3:PutObject'],
  ],
  'lambda:Invoke': ['lambda:InvokeFunction'],
  's3:DeleteObjects': ['s3:DeleteObject'],
  // Only who may list is told that an object is not there.
  's3:GetObject': ['s3:GetObject', 's3:GetObjectVersion', 's3:ListBucket'],
  's3:HeadObject': ['s3:GetObject', 's3:ListBucket'],
  's3:ListObjectsV2': ['s3:ListBucket'],
  // A product that is a stack set is launched with the rights of who launches it.
  'servicecatalog:ProvisionProduct': ['servicecatalog:ProvisionProduct', 'iam:PassRole', ...stackSets],
  'servicecatalog:UpdateProvisionedProduct': ['servicecatalog:UpdateProvisionedProduct', ...stackSets],
  'sns:PublishBatch': ['sns:Publish'],
  'sqs:SendMessageBatch': ['sqs:SendMessage', 'sqs:SendMessageBatch'],
};

/** Operations of the document client, which are named without the `Item`. */
const ofDocuments = ['Get', 'Put', 'Update', 'Delete', 'BatchGet', 'BatchWrite'];

/** What Lambda does with the role of the function that it calls, by the service in the ARN of the source. */
const pollers: Readonly<Record<string, readonly string[]>> = {
  'AWS::SQS::Queue': [
    'ChangeMessageVisibility',
    'DeleteMessage',
    'GetQueueAttributes',
    'GetQueueUrl',
    'ReceiveMessage',
  ].map((operation) => `sqs:${operation}`),
  'AWS::Kinesis::Stream': [
    ...['DescribeStream', 'DescribeStreamConsumer', 'DescribeStreamSummary', 'GetRecords', 'GetShardIterator'],
    ...['ListShards', 'ListStreams', 'SubscribeToShard'],
  ].map((operation) => `kinesis:${operation}`),
  'AWS::DynamoDB::GlobalTable': ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map(
    (operation) => `dynamodb:${operation}`,
  ),
  'AWS::AmazonMQ::Broker': [
    'mq:DescribeBroker',
    ...['CreateNetworkInterface', 'DeleteNetworkInterface', 'DescribeNetworkInterfaces'].map((one) => `ec2:${one}`),
    ...['DescribeSecurityGroups', 'DescribeSubnets', 'DescribeVpcs'].map((one) => `ec2:${one}`),
  ],
};
/** What it does to mount a file system of EFS. */
const mounting = ['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite'];
/** What it does with a queue for what it lets go. */
const lettingGo = ['sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:SendMessage'];

const imports = /(?:import|export)\s+(type\s+)?(\{[^}]*\}|[^'"{}]+?)\s*from\s*'([^']+)'/g;
const lateImports = /(?:\{([^}]*)\}\s*=\s*await\s+)?import\(\s*'([^']+)'\s*\)/g;
const parameters: Readonly<Record<string, string>> = {
  '@aws-lambda-powertools/parameters/secrets': 'secretsmanager:GetSecretValue',
  '@aws-lambda-powertools/parameters/ssm': 'ssm:GetParameter',
};

/** Actions of the commands that a module and all that it imports of this project take from the SDK. */
export function calledActions(entry: string, seen = new Set<string>()): Set<string> {
  const called = new Set<string>();
  if (seen.has(entry)) return called;
  seen.add(entry);
  const source = readFileSync(entry, 'utf8');
  const taken = [
    ...[...source.matchAll(imports)].flatMap(([, type, names = '', from = '']) =>
      type === undefined ? [{ names, from }] : [],
    ),
    ...[...source.matchAll(lateImports)].map(([, names = '', from = '']) => ({ names, from })),
  ];
  for (const { names, from } of taken) {
    const parameter = parameters[from];
    if (parameter !== undefined) called.add(parameter);
    const of = from.startsWith('.')
      ? calledActions(join(dirname(entry), from), seen)
      : new Set(operationsIn(names, from).flatMap((operation) => askedAs[operation] ?? [operation]));
    for (const action of of) called.add(action);
  }
  return called;
}

/** `{ PutObjectCommand, type S3Client }` of `@aws-sdk/client-s3`: `s3:PutObject`. */
function operationsIn(names: string, from: string): string[] {
  const named = [...names.matchAll(/(?<!type\s)\b(\w+)Command\b/g)].map(([, operation = '']) => operation);
  if (from === '@aws-sdk/lib-dynamodb') {
    return named.map((operation) => `dynamodb:${operation}${ofDocuments.includes(operation) ? 'Item' : ''}`);
  }
  const service = /^@aws-sdk\/client-(.+)$/.exec(from)?.[1];
  return service === undefined ? [] : named.map((operation) => `${prefixes[service] ?? service}:${operation}`);
}

/** Rights of functions' roles that nothing needs: neither a call of the code that runs with them, nor Lambda itself. */
export function unusedRights(resources: readonly TemplateResource[]): string[] {
  const ofType = (type: string) => resources.filter(({ Type }) => Type === type);
  const word = (value: unknown) => inWords(value, resources);
  const held = rightsOf([resources]);
  const needs = new Map<string, Right[]>();
  const need = (role: string, actions: Iterable<string>, on: string) =>
    needs.set(role, [...(needs.get(role) ?? []), ...[...actions].map((action) => ({ action, on }))]);
  const roleOf = new Map<string, string>();
  for (const { path, entry, extensions = [], Properties } of ofType('AWS::Lambda::Function')) {
    if (entry === undefined) continue;
    const role = word(Properties['Role']);
    roleOf.set(path, role);
    for (const module of [entry, ...extensions]) need(role, calledActions(join(cloud, module)), anything);
    need(role, lettingGo, queueIn(Properties['DeadLetterConfig'], word));
    if (Properties['VpcConfig'] !== undefined) {
      need(
        role,
        joinsNetwork.map(({ action }) => action),
        '*',
      );
    }
    if (Properties['FileSystemConfigs'] !== undefined) need(role, mounting, anything);
  }
  for (const { Properties } of ofType('AWS::Lambda::EventSourceMapping')) {
    const role = roleOf.get(word(Properties['FunctionName']));
    if (role === undefined) continue;
    const source = word(Properties['EventSourceArn']);
    const { Type = '' } = resources.find(({ path }) => source === path || source === `${path}.StreamArn`) ?? {};
    need(role, pollers[Type] ?? [], source);
    need(role, lettingGo, queueIn(Properties['DestinationConfig'], word));
    for (const secret of secretsIn(Properties['SourceAccessConfigurations'], word)) {
      need(role, ['secretsmanager:GetSecretValue'], secret);
    }
  }
  return [...needs].flatMap(([role, needed]) =>
    (held[role] ?? [])
      .filter(
        (right) =>
          !needed.some(
            ({ action, on }) => action === right.action && (on === anything || right.on === on || right.on === '*'),
          ),
      )
      .map(({ action, on }) => `${role} may ${action} on ${on}, which nothing that it runs calls: take it away.`),
  );
}

const anything = 'anything';

/** The queue that a setting names somewhere, as `OnFailure.Destination` or `TargetArn`. */
function queueIn(setting: unknown, word: (value: unknown) => string): string {
  if (typeof setting !== 'object' || setting === null) return '';
  const [first] = Object.values(setting);
  if (typeof first !== 'object' || first === null) return '';
  const inner = 'Destination' in first ? first.Destination : first;
  return word(inner);
}

/** The secrets with which Lambda signs in at a broker. */
function secretsIn(setting: unknown, word: (value: unknown) => string): string[] {
  if (!Array.isArray(setting)) return [];
  return setting.flatMap((one: unknown) =>
    typeof one === 'object' && one !== null && 'URI' in one ? [word(one.URI)] : [],
  );
}
