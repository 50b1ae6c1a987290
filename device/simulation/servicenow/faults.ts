import { z } from 'zod';

/**
 * Faults that a test or a scenario lays over the instance. `match` says which requests a fault is for; of those it
 * strikes by `probability`, at most `count` times, within `between` (milliseconds since it was added). Of the faults that
 * would strike a request, the first added of each stage does: delay, rights, query, outcome.
 */
const trigger = {
  match: z
    .strictObject({
      method: z.string().optional(),
      table: z.string().optional(),
      pathIncludes: z.string().optional(),
      bodyIncludes: z.string().optional(),
    })
    .default({}),
  count: z.int().positive().optional(),
  probability: z.number().min(0).max(1).default(1),
  between: z.strictObject({ fromMs: z.number().min(0), untilMs: z.number() }).optional(),
};
const delayMs = z.number().min(0).max(600_000);
const kind = <K extends string>(name: K) => z.strictObject({ kind: z.literal(name), ...trigger });

export const faultSchema = z.discriminatedUnion('kind', [
  /** The connection is cut and nothing was written. */
  kind('cut-before-commit'),
  /** The write is committed, then the connection is cut. */
  kind('commit-then-cut'),
  /** The connection is cut; the write is committed `delayMs` later. */
  kind('cut-then-commit').extend({ delayMs }),
  /** Answers with a status, nothing written. For 429: with the headers that some instances send. */
  kind('status').extend({
    status: z.int().min(400).max(599),
    retryAfterSeconds: z.int().min(0).optional(),
    limitPerHour: z.int().positive().optional(),
  }),
  /** The request is begun `delayMs` late, and done even when its client has gone. */
  kind('slow').extend({ delayMs }),
  /** A sleeping developer instance: 200 with an HTML page, nothing written. */
  kind('hibernate'),
  /** Records cannot be seen: lists are empty, records are not found. */
  kind('create-without-read'),
  /** Conditions are dropped from sysparm_query: on the named fields, or all. */
  kind('drop-query-parts').extend({ fields: z.array(z.string()).default(['*']) }),
  /** Committed; half of the answer's body arrives. */
  kind('truncated-body'),
  /** Committed; the answer's body is no JSON. */
  kind('malformed-body'),
  /** Refused by a data policy that wants these fields, named by their labels. */
  kind('data-policy').extend({ fields: z.array(z.string()).min(1).default(['Resolution code']) }),
  /** Refused by a business rule of this name. */
  kind('business-rule').extend({ name: z.string().default('Prevent Update') }),
  /** The access token of the request is expired before it is looked at. */
  kind('expire-token'),
]);

export type Fault = z.output<typeof faultSchema>;
export type FaultInput = z.input<typeof faultSchema>;
type FaultKind = Fault['kind'];

interface FaultState {
  id: string;
  fault: Fault;
  addedAtMs: number;
  fired: number;
}

/** What a fault can see of a request. */
export interface Struck {
  method: string;
  path: string;
  table: string | undefined;
  /** Read only where a fault asks for it. */
  bodyText: () => string;
}

type Stage = 'delay' | 'rights' | 'query' | 'outcome';

const stages: Readonly<Partial<Record<FaultKind, Stage>>> = {
  slow: 'delay',
  'create-without-read': 'rights',
  'drop-query-parts': 'query',
};

/** Kinds that, unless `match.method` says otherwise, are for writes or for reads alone. */
const onlyFor: Readonly<Partial<Record<FaultKind, 'write' | 'read'>>> = {
  'cut-before-commit': 'write',
  'commit-then-cut': 'write',
  'cut-then-commit': 'write',
  'data-policy': 'write',
  'business-rule': 'write',
  'create-without-read': 'read',
  'drop-query-parts': 'read',
};

/** The faults that strike this request. Pure but for `random`, which is asked once for each candidate with a probability. */
function strikingFaults(
  faults: readonly FaultState[],
  request: Struck,
  nowMs: number,
  random: () => number,
): FaultState[] {
  const taken = new Map<Stage, FaultState>();
  for (const state of faults) {
    const stage = stages[state.fault.kind] ?? 'outcome';
    if (taken.has(stage) || !isCandidate(state, request, nowMs)) continue;
    const { probability } = state.fault;
    if (probability >= 1 || random() < probability) taken.set(stage, state);
  }
  return [...taken.values()];
}

/** Whether a fault's count and schedule let it strike now. */
function isInForce({ fault, addedAtMs, fired }: FaultState, nowMs: number): boolean {
  const { count, between } = fault;
  const age = nowMs - addedAtMs;
  if (count !== undefined && fired >= count) return false;
  return between === undefined || (age >= between.fromMs && age < between.untilMs);
}

function isCandidate(state: FaultState, request: Struck, nowMs: number): boolean {
  const { fault } = state;
  const { match } = fault;
  if (!isInForce(state, nowMs)) return false;
  if (match.method !== undefined && match.method.toUpperCase() !== request.method) return false;
  if (match.table !== undefined && match.table !== request.table) return false;
  if (match.pathIncludes !== undefined && !request.path.includes(match.pathIncludes)) return false;
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const only = match.method === undefined ? onlyFor[fault.kind] : undefined;
  if (only !== undefined && (only === 'read') !== isRead) return false;
  return match.bodyIncludes === undefined || request.bodyText().includes(match.bodyIncludes);
}

export interface FaultControl {
  /** Answers the fault's id. Throws on a fault that the schema refuses. */
  add(fault: FaultInput): string;
  remove(id: string): boolean;
  clear(): void;
  /** In the order in which they were added; `inForce` where count and schedule let it strike now. */
  list(): readonly Readonly<FaultState & { inForce: boolean }>[];
  /** How often each kind has struck since the start, removed faults included. */
  fired(kind: FaultKind): number;
}

export interface FaultEngine extends FaultControl {
  /** The faults that strike this request; they are counted. */
  strike(request: Struck): Fault[];
}

export function createFaults(options: { monotonicMs: () => number; random: () => number }): FaultEngine {
  let faults: FaultState[] = [];
  let added = 0;
  const counts = new Map<FaultKind, number>();
  return {
    add(input) {
      const fault = faultSchema.parse(input);
      added += 1;
      const id = `fault-${added}`;
      faults.push({ id, fault, addedAtMs: options.monotonicMs(), fired: 0 });
      return id;
    },
    remove(id) {
      const before = faults.length;
      faults = faults.filter((state) => state.id !== id);
      return faults.length < before;
    },
    clear() {
      faults = [];
    },
    list: () => faults.map((state) => ({ ...state, inForce: isInForce(state, options.monotonicMs()) })),
    fired: (name) => counts.get(name) ?? 0,
    strike(request) {
      const struck = strikingFaults(faults, request, options.monotonicMs(), options.random);
      for (const state of struck) {
        state.fired += 1;
        counts.set(state.fault.kind, (counts.get(state.fault.kind) ?? 0) + 1);
      }
      return struck.map((state) => state.fault);
    },
  };
}
