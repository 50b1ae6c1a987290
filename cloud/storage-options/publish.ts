import type { ConcludedPicture, Conclusion, Picture } from './contract.ts';
import type { PictureRow } from './pictures-table.aws.ts';

export interface PublishPorts {
  find(id: string): Promise<PictureRow | undefined>;
  conclude(picture: ConcludedPicture): Promise<PictureRow | undefined>;
  /** Tells whoever listens. */
  tell(picture: ConcludedPicture): Promise<void>;
  markTold(id: string): Promise<void>;
}

export type Published = 'told' | 'known';

/**
 * Concludes a picture and tells of it. The first conclusion stays. A picture is told once; twice only where the note that it was
 * told is lost, and then under the same id.
 * @throws Error where its row has ended: there is nothing to conclude, and a picture may not end without anybody's notice
 */
export async function publish(conclusion: Conclusion, atMs: number, ports: PublishPorts): Promise<Published> {
  const before = await ports.find(conclusion.id);
  if (before === undefined) throw rowEnded(conclusion.id);
  const row =
    before.picture.status === 'PENDING_UPLOAD'
      ? await ports.conclude(concluded(before.picture, conclusion, atMs))
      : before;
  if (row === undefined || row.picture.status === 'PENDING_UPLOAD') throw rowEnded(conclusion.id);
  if (row.told) return 'known';
  await ports.tell(row.picture);
  await ports.markTold(row.picture.id);
  return 'told';
}

function rowEnded(id: string): Error {
  return new Error(
    `The picture ${id} has no row to be concluded: its offer has ended. Upload it again by a new offer.`,
  );
}

function concluded(
  { id, correlationId, contentType, bytes, createdAt }: Picture,
  end: Conclusion,
  atMs: number,
): ConcludedPicture {
  const about = { id, correlationId, contentType, bytes, createdAt, concludedAt: new Date(atMs).toISOString() };
  return end.outcome === 'resized'
    ? { ...about, status: 'PROCESSED', width: end.width, height: end.height }
    : { ...about, status: 'FAILED', reason: end.reason, reasonDetail: end.reasonDetail };
}
