import { z } from 'zod';
import { messageOf } from '../platform/errors.ts';
import { missingAccess, type Operation } from './access-control.ts';
import type { IpcFailure } from './ipc.ts';

export interface NucleusError {
  /** Name of the nucleus's error, e.g. `UnauthorizedError`; `Gone` where the connection ended; undefined for others. */
  code: string | undefined;
  /** What it says; may be empty. */
  text: string;
}

const text = z.string().optional().catch(undefined);
/** Types of the SDK's errors that come of a connection that is ending: internal, client state, network, interruption. */
const endingTypes: ReadonlySet<number> = new Set([3, 4, 5, 6]);

const rpcError = z.object({
  type: z.number(),
  description: z.string(),
  serviceError: z.object({ _errorCode: text, _message: text, message: text }).optional().catch(undefined),
});

/** What the SDK throws: an `RpcError`, or (of what was canceled) a text. */
export function nucleusErrorOf(error: unknown): NucleusError {
  const { data } = rpcError.safeParse(error);
  if (data === undefined) return { code: undefined, text: messageOf(error) };
  const { serviceError, description, type } = data;
  // An error that the operation's model does not list comes as the name of its shape.
  const shape = /aws\.greengrass#(\w+Error)\b/.exec(description)?.[1];
  const code = serviceError?._errorCode ?? shape ?? (endingTypes.has(type) ? 'Gone' : undefined);
  const said = serviceError === undefined ? description : (serviceError._message ?? serviceError.message ?? '');
  return { code, text: said.slice(0, 300) };
}

/** What a nucleus that refuses an operation means by it, and what to do. */
export function failureOf(
  component: string,
  operation: Operation,
  request: object,
  { code, text: said }: NucleusError,
): IpcFailure {
  switch (code) {
    case 'Gone':
      return { ok: false, reason: 'offline', message: `the connection to the nucleus is ending: ${said}` };
    case 'UnauthorizedError':
      return { ok: false, reason: 'unauthorized', message: missingAccess(component, operation, request) };
    case 'ResourceNotFoundError':
    case 'ComponentNotFoundError':
      return { ok: false, reason: 'not-found', message: `the nucleus knows nothing of it (${operation}): ${said}` };
    case 'ServiceError':
      // Nucleus Lite says so, without a word, of an operation that it does not know.
      if (said === '') return { ok: false, reason: 'unsupported', message: lacks(operation) };
      if (operation === 'PublishToIoTCore')
        return { ok: false, reason: 'busy', message: `the nucleus does not take it for AWS IoT Core now: ${said}` };
      return { ok: false, reason: 'failed', message: `the nucleus cannot do ${operation}: ${said}` };
    default:
      return { ok: false, reason: 'failed', message: `${operation} failed: ${said}` };
  }
}

function lacks(operation: Operation): string {
  return `this nucleus does not have ${operation}: Nucleus Lite lacks it, the classic nucleus has it`;
}
