import type { BaselineDocument } from './contract.ts';

/** What the topic is told. */
export interface Notice {
  /** SNS takes 100 characters. */
  subject: string;
  /** JSON. */
  message: string;
}

/** SNS takes 256 KB, and a character can have three bytes. */
const longest = 80_000;

function json(content: object): string {
  const text = JSON.stringify(content, undefined, 2);
  return text.length <= longest ? text : `${text.slice(0, longest)}\n… cut here, of ${text.length} characters`;
}

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
