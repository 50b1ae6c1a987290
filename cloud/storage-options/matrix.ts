/** Where a function may keep data, in the order of the post's table. */
export const storageOptions = ['s3', 'tmp', 'layer', 'efs'] as const;
export type StorageOption = (typeof storageOptions)[number];

/** A number with where it is from, and when somebody looked. */
export interface Sourced {
  value: number;
  unit: string;
  source: string;
  /** ISO date. */
  readOn: string;
}

/** What a kind of storage is and can, in the terms of the post. */
export interface StorageTraits {
  name: string;
  /** The most that one thing may have, bytes: an object, a file, all of `/tmp`, function and layers together. */
  largestBytes: Sourced;
  /** As the post has it; absent where it says that it is elastic. */
  largestBytesOfPost?: Sourced;
  /** Of all of them together, bytes; absent where it grows with what is in it. */
  totalBytes?: Sourced;
  durable: boolean;
  /** `deploy`: with a new version of the function alone. */
  changes: 'any-time' | 'deploy';
  kind: 'object' | 'file-system' | 'archive';
  /** Whether a part of a file can be written, renamed, locked, appended to. */
  fileOperations: boolean;
  /** Whether a change may start a function by itself. */
  eventSource: boolean;
  /** Whether all functions see the same, at once. */
  shared: boolean;
  tagsAndMetadata: boolean;
  /** Whether what is old ends by a rule, without code. */
  expires: boolean;
  /** For Glue, Athena and QuickSight. */
  analyticsSource: boolean;
  /** Whether the function has to be in a network (VPC), and so reaches nothing else without more. */
  needsNetwork: boolean;
  access: 'IAM' | 'function only' | 'IAM and NFS';
  /** How fast a function gets at it, 1 the fastest; a rank of the post, not a measurement. */
  speedRank: 1 | 2 | 3;
  /** Stored for a month, US dollars a GB at list price, us-east-1; 0: in the price of the function. */
  gbMonthUsd: Sourced;
}

const readOn = '2026-11-25';
const quotas = 'https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html';
const post = 'https://aws.amazon.com/blogs/compute/choosing-between-aws-lambda-data-storage-options-in-web-apps/';
const mib = 1024 ** 2;
const bytes = (value: number, source: string): Sourced => ({ value, unit: 'bytes', source, readOn });
const usd = (value: number, source: string): Sourced => ({ value, unit: 'USD/GB-month', source, readOn });

/** The table of the post with today's limits. A test holds each figure to have a source and a date. */
export const storageMatrix: Readonly<Record<StorageOption, StorageTraits>> = {
  s3: {
    name: 'Amazon S3',
    // 10,000 parts of 5 GiB.
    largestBytes: bytes(50_000 * 1024 ** 3, 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingObjects.html'),
    ...{ durable: true, changes: 'any-time', kind: 'object', fileOperations: false, eventSource: true, shared: true },
    ...{
      tagsAndMetadata: true,
      expires: true,
      analyticsSource: true,
      needsNetwork: false,
      access: 'IAM',
      speedRank: 3,
    },
    gbMonthUsd: usd(0.023, 'https://aws.amazon.com/s3/pricing/'),
  },
  tmp: {
    name: '/tmp',
    largestBytes: bytes(10_240 * mib, quotas),
    largestBytesOfPost: bytes(512 * mib, post),
    totalBytes: bytes(10_240 * mib, quotas),
    ...{
      durable: false,
      changes: 'any-time',
      kind: 'file-system',
      fileOperations: true,
      eventSource: false,
      shared: false,
    },
    ...{
      tagsAndMetadata: false,
      expires: false,
      analyticsSource: false,
      needsNetwork: false,
      access: 'function only',
      speedRank: 1,
    },
    gbMonthUsd: usd(
      0,
      'https://aws.amazon.com/lambda/pricing/ (512 MB; more is paid by the second that the function runs)',
    ),
  },
  layer: {
    name: 'Lambda layers',
    // Function, runtime and at most five layers, unpacked.
    largestBytes: bytes(250 * mib, quotas),
    largestBytesOfPost: bytes(50 * mib, post),
    totalBytes: bytes(250 * mib, quotas),
    ...{ durable: true, changes: 'deploy', kind: 'archive', fileOperations: false, eventSource: false, shared: true },
    ...{
      tagsAndMetadata: false,
      expires: false,
      analyticsSource: false,
      needsNetwork: false,
      access: 'IAM',
      speedRank: 1,
    },
    gbMonthUsd: usd(0, 'https://aws.amazon.com/lambda/pricing/ (up to 75 GB of code an account and region)'),
  },
  efs: {
    name: 'Amazon EFS',
    largestBytes: bytes(52_673_613_135_872, 'https://docs.aws.amazon.com/efs/latest/ug/limits.html'),
    ...{
      durable: true,
      changes: 'any-time',
      kind: 'file-system',
      fileOperations: true,
      eventSource: false,
      shared: true,
    },
    ...{
      tagsAndMetadata: false,
      expires: false,
      analyticsSource: false,
      needsNetwork: true,
      access: 'IAM and NFS',
      speedRank: 2,
    },
    gbMonthUsd: usd(
      0.3,
      'https://aws.amazon.com/efs/pricing/ (and what is read and written: 0.03 and 0.06 USD/GB with elastic throughput)',
    ),
  },
};

/** How many layers a function may have. */
export const mostLayers: Sourced = { value: 5, unit: 'layers', source: quotas, readOn };

/** The matrix as a table of Markdown; the room's README has it, and a test compares the two. */
export function matrixTable(): string {
  const yes = (value: boolean) => (value ? 'yes' : 'no');
  const rows: [string, (traits: StorageTraits) => string][] = [
    ['most in one', ({ largestBytes }) => sizeOf(largestBytes.value)],
    ['in the post', ({ largestBytesOfPost: of }) => (of === undefined ? 'elastic' : sizeOf(of.value))],
    ['in all', ({ totalBytes }) => (totalBytes === undefined ? 'elastic' : sizeOf(totalBytes.value))],
    ['durable', ({ durable }) => yes(durable)],
    ['changes', ({ changes }) => (changes === 'deploy' ? 'with a deploy' : 'at any time')],
    ['kind', ({ kind }) => kind.replace('-', ' ')],
    ['file operations', ({ fileOperations }) => yes(fileOperations)],
    ['starts functions', ({ eventSource }) => yes(eventSource)],
    ['shared', ({ shared }) => yes(shared)],
    ['tags and metadata', ({ tagsAndMetadata }) => yes(tagsAndMetadata)],
    ['expires by a rule', ({ expires }) => yes(expires)],
    ['Glue, Athena, QuickSight', ({ analyticsSource }) => yes(analyticsSource)],
    ['needs a network', ({ needsNetwork }) => yes(needsNetwork)],
    ['access', ({ access }) => access],
    ['speed, 1 the fastest', ({ speedRank }) => `${speedRank}`],
    ['$/GB-month', ({ gbMonthUsd }) => (gbMonthUsd.value === 0 ? 'included' : `${gbMonthUsd.value}`)],
  ];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const options = storageOptions.map((option) => storageMatrix[option]);
  return [
    line(['', ...options.map(({ name }) => name)]),
    line(['---', ...options.map(() => '---')]),
    ...rows.map(([name, of]) => line([name, ...options.map(of)])),
  ].join('\n');
}

/** In the largest unit of which there is at least one. */
function sizeOf(value: number): string {
  const [unit, size] =
    value >= 1024 ** 4 ? ['TiB', 1024 ** 4] : value >= 10 * 1024 ** 3 ? ['GiB', 1024 ** 3] : ['MiB', mib];
  return `${Math.round((value / Number(size)) * 10) / 10} ${unit}`;
}
