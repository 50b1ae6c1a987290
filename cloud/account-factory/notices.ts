import type { BaselineDocument } from './contract.ts';

/** What the topic is told. */
export interface Notice {
  /** SNS takes 100 characters. */
  subject: string;
  /** JSON. */
  message: string;
}

/** SNS takes 256 KB. */
const longest = 200_000;
const json = (content: object) => JSON.stringify(content, undefined, 2).slice(0, longest);

/** A file from which nothing was started, and each reason. */
export function refusedNotice(origin: string, problems: readonly unknown[]): Notice {
  const message = json({ file: origin, started: 'nothing', problems });
  return { subject: `Baseline refused: ${origin}`.slice(0, 100), message };
}

const ends = {
  done: 'Baseline Completed',
  'partially-failed': 'Baseline Completed in part',
  failed: 'Baseline failed',
  'timed-out': 'Baseline time out',
} as const;

/** How a baseline has ended. */
export function endNotice(document: BaselineDocument & { status: keyof typeof ends }, execution: string): Notice {
  const { account, origin, status, iteration, deployed_products, failed_products, skipped_products } = document;
  return {
    subject: `${ends[status]}: account ${account}`,
    message: json({
      ...{ account, file: origin, status, execution, iterations: iteration },
      ...{ deployed_products, failed_products, skipped_products },
    }),
  };
}
