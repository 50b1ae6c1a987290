import type { Handler } from '../handler/handler.ts';

/** What the console needs of the handler. */
export type ServedHandler = Pick<
  Handler,
  | 'status'
  | 'recent'
  | 'firing'
  | 'breach'
  | 'deadLetters'
  | 'oldestEntryMs'
  | 'redrive'
  | 'silences'
  | 'silence'
  | 'endSilence'
>;
