import { parseJson } from '../shared/domain-event.ts';
import { type CallAnswer, callAnswer, largestAnswer } from './contract.ts';

/** What Lambda says of a call. */
export interface Invoked {
  /** Set where the function failed: `Unhandled`. */
  functionError?: string | undefined;
  payload: Uint8Array;
}

export type Called =
  | { kind: 'answer'; answer: CallAnswer }
  /** The function failed or answered something else; `sentence` says what and what to do. */
  | { kind: 'failed'; sentence: string };

/** What came of a call. What the function wrote is quoted only by its size: it may hold anything. */
export function calledFrom({ functionError, payload }: Invoked, target: string): Called {
  const failed = (what: string): Called => ({ kind: 'failed', sentence: `${target} ${what}` });
  if (functionError !== undefined) return failed(`failed (${functionError}): its log says with what.`);
  if (payload.length > largestAnswer) return failed(`answered ${payload.length} bytes: no answer has more than 8,000.`);
  const parsed = callAnswer.safeParse(parseJson(Buffer.from(payload).toString()));
  if (!parsed.success) return failed('answered something else than contract.ts says: deploy both functions again.');
  return { kind: 'answer', answer: parsed.data };
}
