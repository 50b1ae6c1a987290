import { z } from 'zod';
import { pullSummary, validation } from './contract.ts';

/** What the state machine tells when it is done, or where it failed. */
export const reportInput = z.union([
  z.object({ execution: z.string(), summary: pullSummary, validation: z.array(validation) }),
  z.object({ execution: z.string(), error: z.object({ Error: z.string(), Cause: z.string().default('') }) }),
]);
export type ReportInput = z.infer<typeof reportInput>;

export interface Report {
  /** `complete`: all files are there, no table was refused, and no validation found a row. */
  outcome: 'complete' | 'incomplete' | 'failed';
  /** SNS takes 100 characters. */
  subject: string;
  /** JSON. */
  message: string;
}

const longest = 200_000;

export function reportOf(input: ReportInput): Report {
  const json = (content: object) => JSON.stringify(content, undefined, 2).slice(0, longest);
  if ('error' in input) {
    const message = json({ execution: input.execution, error: input.error });
    return { outcome: 'failed', subject: 'Canvas pull failed: nothing was deleted', message };
  }
  const { summary } = input;
  const found = input.validation.filter(({ rows }) => rows !== 0);
  const problems = [
    ...(summary.missing_files.length > 0 ? [`${summary.missing_files.length} files missing`] : []),
    ...(summary.refused_tables.length > 0 ? [`${summary.refused_tables.length} tables refused`] : []),
    ...(found.length > 0 ? [`${found.length} validations failed`] : []),
  ];
  const outcome = problems.length === 0 ? 'complete' : 'incomplete';
  const subject =
    outcome === 'complete'
      ? `Canvas pull complete: ${summary.fetched_files} of ${summary.total_files} files fetched`
      : `Canvas pull incomplete: ${problems.join(', ')}`;
  return { outcome, subject, message: json({ execution: input.execution, ...summary, validation: input.validation }) };
}
