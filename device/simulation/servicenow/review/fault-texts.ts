import type { Fault, FaultControl } from '../faults.ts';

/** A fault that may still strike, as the page tells of it. */
export interface FaultNotice {
  id: string;
  text: string;
  fired: number;
}

/** The faults in force, in the order in which they were added. `nowMs` is on the monotonic clock of the faults. */
export function faultsInForce(faults: FaultControl, nowMs: number): FaultNotice[] {
  return faults.list().flatMap(({ id, fault, fired, addedAtMs }) => {
    const ageMs = nowMs - addedAtMs;
    const isUsedUp = fault.count !== undefined && fired >= fault.count;
    const isOutside = fault.between !== undefined && (ageMs < fault.between.fromMs || ageMs >= fault.between.untilMs);
    return isUsedUp || isOutside ? [] : [{ id, text: faultText(fault), fired }];
  });
}

export function faultText(fault: Fault): string {
  const { match, count, probability } = fault;
  const scope = [
    match.method?.toUpperCase(),
    match.table === undefined ? undefined : `of table ${match.table}`,
    match.pathIncludes === undefined ? undefined : `with “${match.pathIncludes}” in the path`,
    match.bodyIncludes === undefined ? undefined : `with “${match.bodyIncludes}” in the body`,
  ].filter((part) => part !== undefined);
  const limits = [
    scope.length === 0 ? undefined : `only requests ${scope.join(' ')}`,
    probability >= 1 ? undefined : `${Math.round(probability * 1_000) / 10} % of requests`,
    count === undefined ? undefined : `at most ${count === 1 ? 'once' : `${count} times`}`,
  ].filter((part) => part !== undefined);
  return limits.length === 0 ? effectText(fault) : `${effectText(fault)} (${limits.join('; ')})`;
}

function effectText(fault: Fault): string {
  switch (fault.kind) {
    case 'cut-before-commit':
      return 'Connections are cut before a write is committed';
    case 'commit-then-cut':
      return 'Writes are committed, then the connection is cut';
    case 'cut-then-commit':
      return `Connections are cut, and the write is committed ${fault.delayMs / 1_000} s later`;
    case 'status':
      return `Requests are answered with status ${fault.status}`;
    case 'slow':
      return `Answers come ${fault.delayMs / 1_000} s late`;
    case 'hibernate':
      return 'The instance hibernates: requests get its sleeping page';
    case 'create-without-read':
      return 'Clients can create records and not read them';
    case 'drop-query-parts':
      return fault.fields.includes('*')
        ? 'All conditions of queries are ignored'
        : `Conditions of queries on ${fault.fields.join(', ')} are ignored`;
    case 'truncated-body':
      return 'Half of each answer arrives';
    case 'malformed-body':
      return 'Answers are broken JSON';
    case 'business-rule':
      return `The business rule “${fault.name}” refuses writes`;
    case 'data-policy':
      return `A data policy wants ${fault.fields.join(', ')}`;
    case 'expire-token':
      return 'Access tokens are expired';
  }
}
