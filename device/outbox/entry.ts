/**
 * What is still to be told about a breach; at most one of each kind a breach, so that the outbox is bounded by breaches.
 * What is told is the latest that is known when it is sent. Kinds in the order in which they come:
 *
 * | kind      | tells                                                        |
 * |-----------|--------------------------------------------------------------|
 * | open      | that it fires: a new incident, or one joined or reopened     |
 * | chart     | the readings around its begin (attachment)                   |
 * | update    | that it still lasts, or that its severity changed            |
 * | recover   | that it ended                                                |
 * | end-chart | the readings around its end (attachment)                     |
 * | resolve   | that the quiet period is over                                |
 */
export const entryKinds = ['open', 'chart', 'update', 'recover', 'end-chart', 'resolve'] as const;
export type EntryKind = (typeof entryKinds)[number];

/**
 * | state   | meaning                                                                             |
 * |---------|-------------------------------------------------------------------------------------|
 * | waiting | not sent; `dueAtMs` (event time) while its quiet period runs; a silence may hold it  |
 * | sending | an attempt is under way, or its end is not known: look up before anything is written |
 * | dead    | the instance refuses this record: dead letter, the key's later entries wait behind it |
 * | aside   | belongs to an instance that is no longer served                                      |
 */
export interface Entry {
  id: number;
  correlationId: string;
  occurrenceId: string;
  kind: EntryKind;
  state: 'waiting' | 'sending' | 'dead' | 'aside';
  dueAtMs: number | null;
  attempts: number;
  error: string | null;
}
