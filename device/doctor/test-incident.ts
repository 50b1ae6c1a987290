import type { Config } from '../config/schema.ts';
import type { DestinationFailure, IncidentDestination, IncidentRow, NewIncident } from '../incident/destination.ts';
import { type Check, type Finding, fail, ok } from './check.ts';

export interface TestIncidentDeps {
  config: Pick<Config, 'site' | 'deviceId' | 'serviceNow'>;
  destination: () => IncidentDestination;
  /** 32 random hex digits. */
  newId: () => string;
  limitMs: number;
}

/** No key of a breach begins so: they begin with a site, and have four parts. */
const correlationPrefix = 'greengrass-itsm-doctor';

/** The smallest PNG: one transparent pixel. */
const onePixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

/**
 * Makes an incident as a breach would, reads it back, adds a note and an attachment, and cancels it. What was made is
 * canceled whatever else fails; where that fails too, its number is told.
 */
export function testIncidentCheck({ config, destination, newId, limitMs }: TestIncidentDeps): Check {
  return {
    name: 'test incident',
    topic: 'ServiceNow',
    needs: ['login'],
    limitMs,
    async run() {
      const incident = newIncident(config, newId());
      const created = await destination().create(incident);
      return created.ok
        ? followed(destination(), config.serviceNow, incident, created.value)
        : notCreated(created, incident.correlationId);
    },
  };
}

function newIncident({ site, deviceId }: TestIncidentDeps['config'], id: string): NewIncident {
  return {
    correlationId: `${correlationPrefix}/${id}`,
    openedBy: id,
    shortDescription: `[TEST] greengrass-itsm doctor on ${deviceId}: please ignore`,
    description: 'Made by "npm run doctor -- --write" to check the rights of its user; it is canceled at once.',
    workNotes: `Test of rights. [${id}:1]`,
    severity: 'low',
    site,
    deviceId,
    metric: 'doctor',
    rule: 'upper',
  };
}

function notCreated(failure: DestinationFailure, correlationId: string): Finding {
  switch (failure.kind) {
    case 'ambiguous':
      return fail(
        `it is not known whether an incident was made: ${failure.message}`,
        `Look for correlation_id=${correlationId} on the instance and cancel it.`,
      );
    case 'refused-destination':
      return fail(failure.message, 'Grant the user create on the table, e.g. by the role itil.');
    default:
      return fail(failure.message, 'Correct serviceNow.fields so that the instance takes a new incident.');
  }
}

interface Problem {
  found: string;
  todo: string;
}

async function followed(
  destination: IncidentDestination,
  config: Config['serviceNow'],
  incident: NewIncident,
  { sysId, number }: IncidentRow,
): Promise<Finding> {
  const id = incident.openedBy;
  const problems: Problem[] = [];
  const noted = await destination.update(sysId, { workNotes: `Second note. [${id}:2]` });
  if (!noted.ok)
    problems.push({ found: `no note could be added: ${noted.message}`, todo: 'Grant write on work_notes.' });
  if (config.attachChart) problems.push(...(await attachmentProblems(destination, sysId)));

  const looked = await destination.find({ correlationIds: [incident.correlationId], sysIds: [], limit: 10 });
  const row = looked.ok ? looked.value.rows.find((found) => found.sysId === sysId) : undefined;
  problems.push(...(row === undefined ? [unseen(looked)] : rowProblems(row, config, id, noted.ok)));

  const canceled = await destination.update(sysId, {
    state: 'canceled',
    workNotes: `The test is over. [${id}:3]`,
    closeCode: config.closeCode,
    closeNotes: `Test of rights. [${id}:3]`,
  });
  if (!canceled.ok || canceled.value.state !== 'canceled') {
    const why = canceled.ok ? `its state is ${canceled.value.state}` : canceled.message;
    problems.push({
      found: `${number} could not be canceled: ${why}`,
      todo: `Cancel ${number} by hand; grant write on state.`,
    });
  }
  if (problems.length === 0) return ok(`${number} was made, read back, noted and canceled`);
  return fail(
    `${number}: ${problems.map(({ found }) => found.replace(/\.$/, '')).join('; ')}`,
    problems.map(({ todo }) => todo).join(' '),
  );
}

function unseen(looked: Awaited<ReturnType<IncidentDestination['find']>>): Problem {
  return looked.ok
    ? {
        found: 'it was created but cannot be read back: this user may create but not read incidents',
        todo: 'Grant the user read on the table: without it nothing would be delivered, since doubles could not be ruled out.',
      }
    : { found: `it cannot be read back: ${looked.message}`, todo: 'Grant the user read on the table.' };
}

function rowProblems(row: IncidentRow, config: Config['serviceNow'], id: string, noted: boolean): Problem[] {
  const { occurrenceField, fields } = config;
  const lost = (value: string, field: string) => value === '' && (fields[field] ?? '') !== '';
  return [
    ...(row.openedBy === id
      ? []
      : [
          {
            found: `field ${occurrenceField} did not keep the id of the breach`,
            todo: 'Set serviceNow.occurrenceField to a text field of at least 32 characters.',
          },
        ]),
    ...(noted && !row.workNotes.includes(`[${id}:2]`)
      ? [
          {
            found: 'its notes cannot be read back',
            todo: 'Grant read on work_notes: notes are looked for before each is sent.',
          },
        ]
      : []),
    ...(lost(row.assignmentGroup, 'assignment_group')
      ? [
          {
            found: 'the instance did not take the assignment group',
            todo: 'Correct serviceNow.fields.assignment_group.',
          },
        ]
      : []),
  ];
}

async function attachmentProblems(destination: IncidentDestination, sysId: string): Promise<Problem[]> {
  const name = 'doctor.png';
  const todo = 'Grant the user create and read on attachments, or set serviceNow.attachChart=false.';
  const attached = await destination.attach(sysId, { name, contentType: 'image/png', bytes: onePixel });
  if (!attached.ok) return [{ found: `no chart could be attached: ${attached.message}`, todo }];
  const names = await destination.attachmentNames(sysId);
  if (!names.ok) return [{ found: `attachments cannot be read: ${names.message}`, todo }];
  return names.value.includes(name) ? [] : [{ found: 'the attachment cannot be read back', todo }];
}
