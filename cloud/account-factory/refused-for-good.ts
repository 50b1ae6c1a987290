import { z } from 'zod';

/** What AWS answers where the request itself can never be taken: Step Functions, Service Catalog, Organizations, all of them. */
const names = new Set([
  'InvalidExecutionInput',
  'InvalidInputException',
  'InvalidName',
  'InvalidParametersException',
  'OperationNotSupportedException',
  'ValidationException',
]);
const named = z.object({ name: z.string() });

/**
 * Whether AWS refuses what the request says, so that it is refused each time. A right that is missing or a quota that is used
 * up is not of these: a person mends it, and the same request is taken.
 */
export function isRefusedForGood(error: unknown): boolean {
  return names.has(named.safeParse(error).data?.name ?? '');
}
