import type { DestinationFailure, IncidentDestination, IncidentRow } from '../../device/incident/destination.ts';
import { AppError } from '../../device/platform/errors.ts';
import type { ListedPicture, PicturesApi } from './pictures-api.ts';

export interface AttachPictureDeps {
  api: Pick<PicturesApi, 'download'>;
  destination: Pick<IncidentDestination, 'find' | 'attachmentNames' | 'attach'>;
}

export interface Attached {
  /** Of the incident. */
  number: string;
  name: string;
  /** Whether an earlier call had attached it. */
  before: boolean;
}

const mostIncidents = 100;

/**
 * Attaches what is shown of a picture, 600 pixels wide, to its incident in ServiceNow: to the newest of its key that is open, else to
 * the newest. Its name says which picture it is, and is looked for before it is sent: done twice it is there once.
 * @throws AppError `not-processed`, `no-incident`, `refused` (by ServiceNow), `attach-unclear` (sent, and neither answered nor seen)
 */
export async function attachPicture(
  { picture, links }: ListedPicture,
  { api, destination }: AttachPictureDeps,
): Promise<Attached> {
  const { id, correlationId } = picture;
  if (picture.status !== 'PROCESSED' || links === undefined) {
    throw new AppError('not-processed', `${id} is ${picture.status}: what is PROCESSED can be attached.`);
  }
  const { sysId, number } = await incidentOf(correlationId, destination);
  const name = `picture-${id}.jpg`;
  if (await isAttached(sysId, name, destination)) return { number, name, before: true };
  const bytes = await api.download(links.scaled);
  const attached = await destination.attach(sysId, { name, contentType: 'image/jpeg', bytes });
  if (attached.ok || (attached.kind === 'ambiguous' && (await isAttached(sysId, name, destination)))) {
    return { number, name, before: false };
  }
  if (attached.kind !== 'ambiguous') throw refusedBy(attached);
  throw new AppError(
    'attach-unclear',
    `${number} may get ${name} yet: ${attached.message} Run \`attach ${id}\` in two minutes; it sends nothing that is there.`,
  );
}

async function incidentOf(
  correlationId: string,
  destination: Pick<IncidentDestination, 'find'>,
): Promise<Pick<IncidentRow, 'sysId' | 'number'>> {
  const found = await destination.find({ correlationIds: [correlationId], sysIds: [], limit: mostIncidents });
  if (!found.ok) throw refusedBy(found);
  const own = found.value.rows.filter((row) => row.correlationId === correlationId);
  const row = own.find(({ state }) => ['new', 'in-progress', 'on-hold'].includes(state)) ?? own[0];
  if (row !== undefined) return row;
  throw new AppError(
    'no-incident',
    `No incident has the correlation_id ${correlationId}, or this user may not read it. Its form in ServiceNow shows the field.`,
  );
}

async function isAttached(
  sysId: string,
  name: string,
  destination: Pick<IncidentDestination, 'attachmentNames'>,
): Promise<boolean> {
  const names = await destination.attachmentNames(sysId);
  if (!names.ok) throw refusedBy(names);
  return names.value.includes(name);
}

const refusedBy = ({ message }: DestinationFailure) => new AppError('refused', message);
