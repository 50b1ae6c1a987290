import type { PublishedEvent } from '../shared/domain-event.ts';
import { type ChangeRecord, type JobEvent, type JobRow, jobRow } from './contract.ts';

export type Translated =
  /** May be none: nothing that anybody is interested in has changed. */
  | { ok: true; events: readonly JobEvent[] }
  /** An image of the row that is no job. */
  | { ok: false; detail: string };

type Told = JobEvent extends infer E ? (E extends JobEvent ? Pick<E, 'eventType' | 'eventDetails'> : never) : never;

/**
 * A change of a row in the words of the business. Of several changes in one update each is an event, in this order:
 * description, requirements, salary. Another category or employer makes another job: the old one is deleted, the new one
 * created.
 */
export function translate(change: ChangeRecord): Translated {
  if (change.table !== 'jobs') return { ok: true, events: [] };
  switch (change.op) {
    case 'INSERT':
      return read('after', change.after, (row) => numbered(change, [created(row)]));
    case 'DELETE':
      return { ok: true, events: numbered(change, [deleted('the job was removed')]) };
    case 'UPDATE':
      return read('before', change.before, (before) => {
        const after = jobRow.safeParse(change.after);
        if (!after.success) return undefined;
        return numbered(change, updates(before, after.data));
      });
  }
}

function read(
  image: 'before' | 'after',
  value: unknown,
  tell: (row: JobRow) => readonly JobEvent[] | undefined,
): Translated {
  const row = jobRow.safeParse(value);
  const issue = row.success ? undefined : row.error.issues[0];
  if (!row.success) return { ok: false, detail: `${[image, ...(issue?.path ?? [])].join('.')}: ${issue?.message}` };
  const events = tell(row.data);
  return events === undefined ? { ok: false, detail: 'after: is not a job' } : { ok: true, events };
}

function updates(before: JobRow, after: JobRow): Told[] {
  if (before.category !== after.category || before.employer !== after.employer) {
    return [deleted('the job was given another category or employer'), created(after)];
  }
  return [
    ...(before.description === after.description
      ? []
      : [{ eventType: 'JobDescriptionUpdated' as const, eventDetails: { jobDescription: after.description } }]),
    ...(before.requirements === after.requirements
      ? []
      : [{ eventType: 'JobRequirementsUpdated' as const, eventDetails: { jobRequirements: after.requirements } }]),
    ...(before.annual_salary === after.annual_salary
      ? []
      : [{ eventType: 'JobSalaryUpdated' as const, eventDetails: { anualSalary: after.annual_salary } }]),
  ];
}

function created({ category, employer, description, requirements, annual_salary }: JobRow): Told {
  return {
    eventType: 'JobCreated',
    eventDetails: {
      jobCategory: category,
      employer,
      jobDescription: description,
      jobRequirements: requirements,
      anualSalary: annual_salary,
    },
  };
}

function deleted(reason: string): Told {
  return { eventType: 'JobDeleted', eventDetails: { reason } };
}

function numbered({ key, lsn, ts }: ChangeRecord, told: readonly Told[]): JobEvent[] {
  return told.map((one, place) => ({
    id: `${lsn}-${one.eventType}`,
    jobId: key,
    eventCreated: ts,
    eventSource: 'anti-corruption-service',
    eventSequence: `${lsn}${place}`,
    ...one,
  }));
}

/** An event as it is published: events of one job are in order. */
export function publishedJobEvent(event: JobEvent): PublishedEvent {
  const what = event.eventType === 'JobCreated' ? 'created' : event.eventType === 'JobDeleted' ? 'deleted' : 'updated';
  return {
    id: event.id,
    groupId: `JOB-${event.jobId}`,
    eventType: event.eventType,
    subject: `Job ${event.jobId} ${what}`,
    body: JSON.stringify(event),
  };
}
