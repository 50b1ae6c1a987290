import type { Refusal } from './contract.ts';

/**
 * What no retry cures. Its name is its reason, as Step Functions tells errors by their name.
 */
export class Refused extends Error {
  override readonly name: Refusal;

  constructor(reason: Refusal, sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = reason;
  }
}

/** A feed, a page or GitHub could not be asked, or was too busy: a retry may help. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}
