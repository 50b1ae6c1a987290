import { type StorageOption, type StorageTraits, storageMatrix, storageOptions } from './matrix.ts';

/** What is to be kept, and what somebody wants to do with it; what is not said is not asked for. */
export interface StorageNeeds {
  /** Of the largest piece, bytes. */
  largestBytes: number;
  /** Of all together, bytes. */
  totalBytes: number;
  /** Whether it is there after the function's environment has ended. */
  durable?: boolean;
  /** Whether it changes without a deploy. */
  changes?: boolean;
  /** Whether several functions, or several copies of one, see the same. */
  shared?: boolean;
  /** Whether files are opened, changed in their middle, renamed, appended to. */
  fileOperations?: boolean;
  /** Whether a change is to start a function. */
  eventSource?: boolean;
  tagsAndMetadata?: boolean;
  /** Whether what is old is to end by itself. */
  expires?: boolean;
  /** Whether Glue, Athena or QuickSight read it. */
  analytics?: boolean;
  /** Whether the function must stay outside of a network. */
  noNetwork?: boolean;
}

export interface RankedOption {
  option: StorageOption;
  fits: boolean;
  /** What speaks for it, if it fits; what rules it out, each in a sentence, if not. */
  reasons: readonly string[];
  /** Of what is to be kept, at list price, US dollars a month; computed, not measured, and without requests and transfer. */
  monthlyUsd: number;
}

type Rule = (needs: StorageNeeds, traits: StorageTraits) => string | undefined;

const asked =
  (
    wanted: (needs: StorageNeeds) => boolean | undefined,
    has: (traits: StorageTraits) => boolean,
    lacks: string,
  ): Rule =>
  (needs, traits) =>
    wanted(needs) === true && !has(traits) ? `${traits.name}: ${lacks}` : undefined;

/** Each says why an option is out of the question, or nothing. */
const rules: readonly Rule[] = [
  ({ largestBytes }, { name, largestBytes: most }) =>
    largestBytes > most.value ? `${name}: at most ${most.value} bytes in one, not ${largestBytes}.` : undefined,
  ({ totalBytes }, { name, totalBytes: most }) =>
    most !== undefined && totalBytes > most.value
      ? `${name}: at most ${most.value} bytes in all, not ${totalBytes}.`
      : undefined,
  asked(
    (needs) => needs.durable,
    ({ durable }) => durable,
    'gone with the environment of its function.',
  ),
  asked(
    (needs) => needs.changes,
    ({ changes }) => changes === 'any-time',
    'changes with a deploy alone.',
  ),
  asked(
    (needs) => needs.shared,
    ({ shared }) => shared,
    'seen by one environment of a function alone.',
  ),
  asked(
    (needs) => needs.fileOperations,
    (traits) => traits.fileOperations,
    'no file system that is written to.',
  ),
  asked(
    (needs) => needs.eventSource,
    (traits) => traits.eventSource,
    'starts no function.',
  ),
  asked(
    (needs) => needs.tagsAndMetadata,
    (traits) => traits.tagsAndMetadata,
    'no tags and no metadata.',
  ),
  asked(
    (needs) => needs.expires,
    ({ expires }) => expires,
    'keeps all until somebody deletes it.',
  ),
  asked(
    (needs) => needs.analytics,
    ({ analyticsSource }) => analyticsSource,
    'read by neither Glue, Athena nor QuickSight.',
  ),
  asked(
    (needs) => needs.noNetwork,
    ({ needsNetwork }) => !needsNetwork,
    'needs the function in a network.',
  ),
];

const bytesOfGb = 1_000_000_000;

/**
 * All four options, best first: those that fit before those that do not; among those that fit the faster, then the cheaper,
 * then the one without a network; among those that do not, the one with fewer objections.
 */
export function choose(needs: StorageNeeds): RankedOption[] {
  const ranked = storageOptions.map((option) => {
    const traits = storageMatrix[option];
    const objections = rules.flatMap((rule) => rule(needs, traits) ?? []);
    const monthlyUsd = (needs.totalBytes / bytesOfGb) * traits.gbMonthUsd.value;
    const fits = objections.length === 0;
    return { option, traits, fits, objections, monthlyUsd };
  });
  return ranked
    .toSorted(
      (a, b) =>
        Number(b.fits) - Number(a.fits) ||
        a.objections.length - b.objections.length ||
        a.traits.speedRank - b.traits.speedRank ||
        a.monthlyUsd - b.monthlyUsd ||
        Number(a.traits.needsNetwork) - Number(b.traits.needsNetwork) ||
        storageOptions.indexOf(a.option) - storageOptions.indexOf(b.option),
    )
    .map(({ option, traits, fits, objections, monthlyUsd }) => ({
      ...{ option, fits, monthlyUsd },
      reasons: fits ? recommendation(traits, monthlyUsd) : objections,
    }));
}

function recommendation({ name, speedRank, needsNetwork }: StorageTraits, monthlyUsd: number): string[] {
  return [
    `${name}: speed rank ${speedRank}, 1 being the fastest.`,
    monthlyUsd === 0 ? 'It is in the price of the function.' : `It costs ${monthlyUsd.toFixed(2)} $ a month to keep.`,
    ...(needsNetwork ? ['The function has to be in a network, and reaches nothing outside of it without more.'] : []),
  ];
}
