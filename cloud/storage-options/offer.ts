import type { z } from 'zod';
import { newPicture, type PendingPicture, type PictureType, type uploadOffer } from './contract.ts';
import { type HttpAnswer, misfits, problem } from './http.ts';

export interface OfferRules {
  allowedTypes: readonly PictureType[];
  maxBytes: number;
  /** How long an upload may begin. */
  uploadSeconds: number;
}

/** What was asked for, in order. */
export type Asked = { ok: true; picture: PendingPicture } | { ok: false; answer: HttpAnswer };

/** Nobody has as much to say before an upload. */
const largestBody = 2_048;
const secondsADay = 86_400;

/** `POST /pictures`, as far as it can be judged without AWS. A repeated one is another offer; what is not taken ends by itself. */
export function offer(
  body: string,
  { allowedTypes, maxBytes }: OfferRules,
  made: { id: string; nowMs: number },
): Asked {
  const parsed = newPicture.safeParse(Buffer.byteLength(body) > largestBody ? undefined : jsonOf(body));
  if (!parsed.success) {
    const form = '{"correlationId", "contentType", "bytes"}';
    return { ok: false, answer: problem(400, `The body is not ${form}: ${misfits(parsed.error)}.`) };
  }
  const { contentType, bytes } = parsed.data;
  if (!allowedTypes.includes(contentType)) {
    const detail = `No ${contentType} is taken here. Send one of ${allowedTypes.join(', ')}.`;
    return { ok: false, answer: problem(415, detail) };
  }
  if (bytes > maxBytes) {
    const detail = `${bytes} bytes are more than the ${maxBytes} that are taken. Send a smaller picture.`;
    return { ok: false, answer: problem(413, detail) };
  }
  const createdAt = new Date(made.nowMs).toISOString();
  return { ok: true, picture: { ...parsed.data, id: made.id, status: 'PENDING_UPLOAD', createdAt } };
}

/** Longer than an upload, its way to the workflow, and the 14 days in which a failed execution may be driven on. */
const offerDays = 16;

/** When the row of an offer ends that nobody took, epoch seconds. */
export const offerEndsAtS = (nowMs: number): number => Math.floor(nowMs / 1_000) + offerDays * secondsADay;

export function offered(
  { id, contentType, bytes }: PendingPicture,
  upload: { url: string; expiresAtMs: number },
): HttpAnswer {
  const body: z.input<typeof uploadOffer> = {
    ...{ id, uploadUrl: upload.url },
    headers: uploadHeaders({ contentType, bytes }),
    expiresAt: new Date(upload.expiresAtMs).toISOString(),
  };
  return { status: 201, body };
}

/** What an upload has to say, all of it signed: type and size as offered, and that nothing is there yet. */
export function uploadHeaders({ contentType, bytes }: { contentType: string; bytes: number }) {
  return { 'content-type': contentType, 'content-length': String(bytes), 'if-none-match': '*' };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
