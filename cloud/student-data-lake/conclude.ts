import type { PullPlan, PullSummary } from './contract.ts';

/** What is there once all fetches are over. */
export interface Fetched {
  /** Keys to be fetched that are not there: what failed, was parked, or is not listed any more. */
  missing: string[];
  /** What may be deleted: nothing as long as anything is missing. */
  remove: string[];
}

export function fetchedOf(plan: PullPlan, present: ReadonlySet<string>): Fetched {
  const missing = plan.fetch.filter((key) => !present.has(key));
  return { missing, remove: missing.length === 0 ? plan.obsolete.filter((key) => present.has(key)) : [] };
}

export function summaryOf(plan: PullPlan, { missing, remove }: Fetched): PullSummary {
  const changed = (change: 'created' | 'extended') =>
    plan.tables.filter((table) => table.change === change).map(({ table }) => table);
  return {
    total_files: plan.fetch.length + plan.skipped,
    fetched_files: plan.fetch.length - missing.length,
    skipped_files: plan.skipped,
    removed_files: remove.length,
    missing_files: missing,
    tables_created: changed('created'),
    tables_updated: changed('extended'),
    refused_tables: plan.refused,
    columns_left_at_source: plan.leftAtSource,
  };
}
