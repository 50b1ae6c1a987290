import type { ChangeRecord, JobEvent } from './contract.ts';

/** A row of the jobs table. */
export function row(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    category: 'IT',
    employer: 'Example Ltd',
    description: 'Keeps the presses running',
    requirements: 'Patience',
    annual_salary: 50_000,
    modified_by: 'clerk-7',
    ...fields,
  };
}

const ts = '2026-01-02T03:04:05Z';

/** Changes of one row, by their place in the log. */
export const change = {
  insert: (lsn: number, key = '1', after = row()): ChangeRecord => ({
    ...{ table: 'jobs', op: 'INSERT', key, lsn: String(lsn), ts, before: null, after },
  }),
  update: (lsn: number, after: unknown, key = '1', before: unknown = row()): ChangeRecord => ({
    ...{ table: 'jobs', op: 'UPDATE', key, lsn: String(lsn), ts, before, after },
  }),
  remove: (lsn: number, key = '1'): ChangeRecord => ({
    ...{ table: 'jobs', op: 'DELETE', key, lsn: String(lsn), ts, before: row(), after: null },
  }),
};

const fields = (sequence: number, type: string) => ({
  id: `${sequence}-${type}`,
  jobId: '1',
  eventCreated: ts,
  eventSource: 'anti-corruption-service' as const,
  eventSequence: `${sequence}0`,
});

/** Events of one job, by their sequence. */
export const event = {
  created: (sequence: number): JobEvent => ({
    ...fields(sequence, 'JobCreated'),
    eventType: 'JobCreated',
    eventDetails: {
      jobCategory: 'IT',
      employer: 'Example Ltd',
      jobDescription: 'Keeps the presses running',
      jobRequirements: 'Patience',
      anualSalary: 50_000,
    },
  }),
  deleted: (sequence: number): JobEvent => ({
    ...fields(sequence, 'JobDeleted'),
    eventType: 'JobDeleted',
    eventDetails: { reason: 'filled' },
  }),
};
