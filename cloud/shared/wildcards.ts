import { CfnElement, type Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { logsAndTraces } from './rights.ts';

/** A resource of a statement that stands for more than one, and why. Each room lists its own in its wildcards.ts. */
export interface Wildcard {
  /** Construct path of the role or policy that the statement stands in or below, without the stack: `ForwardRole`. */
  path: string;
  /** The actions of the statement, sorted, joined by a comma and a blank. */
  statement: string;
  /** The resource, with construct paths for references and `${AWS::Region}` for what AWS knows: `*`, `Raw/*`. */
  resource: string;
  /** Why no narrower resource does, in one sentence. */
  reason: string;
}

/** What every NodeFunction holds. */
export const sharedWildcards: readonly Omit<Wildcard, 'path'>[] = [
  {
    statement: 'xray:PutTelemetryRecords, xray:PutTraceSegments',
    resource: '*',
    reason: 'X-Ray knows no resource that a segment could be granted on.',
  },
];

/**
 * Tells cdk-nag of the room's list, so that each exception is written once. Stands at the end of a stack's constructor,
 * when all that the list names is there. Whether the list is exact, `describeRoom` tests.
 * @throws Error where no construct has that path.
 */
export function allowWildcards(stack: Stack, wildcards: readonly Wildcard[]): void {
  for (const { path, resource, reason } of wildcards) {
    const construct = path.split('/').reduce((node: IConstruct, id) => node.node.findChild(id), stack);
    for (const finding of findingsOf(stack, resource)) {
      acknowledge(construct, `AwsSolutions-IAM5[Resource::${finding}]`, reason);
    }
  }
}

/** The resource as cdk-nag writes it, which depends on whether a policy refers to an ARN or to a name that is one. */
function findingsOf(stack: Stack, resource: string): string[] {
  const written = resource.replaceAll(/\$\{([^}]+)\}/g, '<$1>');
  const elements = stack.node.findAll().filter((node) => CfnElement.isCfnElement(node));
  const named = elements
    .map((element) => ({
      path: element.node.path.slice(stack.node.path.length + 1).replace(/\/Resource$/, ''),
      logicalId: String(stack.resolve(element.logicalId)),
    }))
    .toSorted((a, b) => b.path.length - a.path.length)
    // At the start, or a part of an ARN: an API stands behind its account.
    .find(({ path }) => path !== '' && `:${written}`.includes(`:${path}`));
  if (named === undefined) return [written];
  const start = `:${written}`.indexOf(`:${named.path}`);
  const before = written.slice(0, start);
  const rest = written.slice(start + named.path.length);
  return [`${before}<${named.logicalId}.Arn>${rest}`, `${before}<${named.logicalId}>${rest}`];
}

/** Of a `LakeBucket`, whose accesses S3 writes into a bucket beside it. */
export function accessLog(bucket: string): Wildcard {
  return {
    path: `${bucket}/AccessLogs/Policy`,
    statement: 's3:PutObject',
    resource: `${bucket}/AccessLogs/*`,
    reason: 'S3 names the objects of an access log itself.',
  };
}

/** Of the role of a state machine, by its construct path. */
export function machineRole(path: string): Wildcard {
  return {
    path,
    statement: logsAndTraces.map(({ action }) => action).join(', '),
    resource: '*',
    reason: 'Deliveries of logs and X-Ray know no resource.',
  };
}
