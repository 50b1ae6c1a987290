import { AppError } from '../../device/platform/errors.ts';
import type { ListedPicture, PicturesApi } from './pictures-api.ts';

/** The file of a picture, and the incident that it is for. */
export interface NewFile {
  correlationId: string;
  bytes: Buffer;
}

export interface AddPictureDeps {
  api: PicturesApi;
  sleep(ms: number): Promise<void>;
  nowMs(): number;
}

const uploadTries = 3;
const everyMs = 2_000;
/** The workflow's own tries take about two and a half minutes. */
const waitMs = 240_000;
/** Answers of the list that are looked through: a thousand pictures. */
export const mostLists = 20;

/**
 * Offers, uploads, and waits for the workflow to conclude.
 * @returns the picture as it is listed, PROCESSED or FAILED
 * @throws AppError `no-picture`, `refused`, `no-answer` (nothing is known to be stored: do it again), `not-concluded` (look later)
 */
export async function addPicture(
  { correlationId, bytes }: NewFile,
  { api, sleep, nowMs }: AddPictureDeps,
): Promise<ListedPicture> {
  const offer = await api.offer({ correlationId, contentType: typeOf(bytes), bytes: bytes.length });
  for (let tries = 1; ; tries += 1) {
    if (tries > 1) await sleep(everyMs);
    // What is there already under a new offer is what this upload put, whose answer was lost.
    if ((await api.upload(offer, bytes)) !== 'no-answer') break;
    if (tries === uploadTries) {
      throw new AppError(
        'no-answer',
        `The upload of ${offer.id} was not answered, ${tries} times. Add the file again.`,
      );
    }
  }
  const untilMs = nowMs() + waitMs;
  while (nowMs() < untilMs) {
    const found = await findPicture(api, correlationId, offer.id);
    if (found !== undefined && found.picture.status !== 'PENDING_UPLOAD') return found;
    await sleep(everyMs);
  }
  throw new AppError(
    'not-concluded',
    `${offer.id} was uploaded and is not concluded after ${waitMs / 1_000} s. Look with \`list\`; the alarm "Failed uploads" tells where its workflow failed.`,
  );
}

/** A picture of an incident by its id, among the newest; undefined where it is none of them. */
export async function findPicture(
  api: Pick<PicturesApi, 'list'>,
  correlationId: string,
  id: string,
): Promise<ListedPicture | undefined> {
  let next: string | undefined;
  for (let lists = 0; lists < mostLists; lists += 1) {
    const answer = await api.list(correlationId, next);
    const found = answer.pictures.find(({ picture }) => picture.id === id);
    if (found !== undefined || answer.next === undefined) return found;
    next = answer.next;
  }
  return undefined;
}

/** By the bytes that such a file begins with: its name may say anything. */
function typeOf(bytes: Buffer): 'image/jpeg' | 'image/png' {
  if (bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))) return 'image/jpeg';
  if (bytes.subarray(0, 8).equals(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'))) return 'image/png';
  throw new AppError('no-picture', 'The file is neither a JPEG nor a PNG. Save it as one of these.');
}
