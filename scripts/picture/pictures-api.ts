import { z } from 'zod';
import { type newPicture, pictureList, uploadOffer } from '../../cloud/storage-options/contract.ts';
import { type HttpAnswer, type HttpRequest, http } from '../../cloud/testing/http-request.ts';
import { type SigningKeys, signRequest } from '../../cloud/testing/sign-request.ts';
import { AppError } from '../../device/platform/errors.ts';

export type PictureList = z.output<typeof pictureList>;
export type ListedPicture = PictureList['pictures'][number];
export type UploadOffer = z.output<typeof uploadOffer>;

/** The API of the room storage-options, and the addresses that it gives. All throw AppError `refused` where the answer is no. */
export interface PicturesApi {
  offer(picture: z.input<typeof newPicture>): Promise<UploadOffer>;
  /** `there-already`: an upload before this one; `no-answer`: it may have been stored, or not. */
  upload(offer: UploadOffer, bytes: Buffer): Promise<'stored' | 'there-already' | 'no-answer'>;
  list(correlationId: string, next?: string): Promise<PictureList>;
  download(url: string): Promise<Buffer>;
}

export interface PicturesApiDeps {
  /** Of the API, without a path. */
  endpoint: string;
  region: string;
  /** Keys of the role that may offer, and of the one that may look. */
  camera(): Promise<SigningKeys>;
  viewer(): Promise<SigningKeys>;
}

export function createPicturesApi({ endpoint, region, camera, viewer }: PicturesApiDeps): PicturesApi {
  const pictures = `${endpoint}/pictures`;

  async function signed<T>(keys: SigningKeys, url: string, request: HttpRequest, schema: z.ZodType<T>): Promise<T> {
    const headers = await signRequest({ keys, region, service: 'execute-api' }, url, request);
    const answer = await http(url, { ...request, headers });
    if (answer.status >= 300) throw refused(`${request.method ?? 'GET'} /pictures`, answer);
    return schema.parse(JSON.parse(answer.body));
  }

  return {
    offer: async (picture) =>
      signed(await camera(), pictures, { method: 'POST', body: JSON.stringify(picture) }, uploadOffer),
    async upload({ uploadUrl, headers }, bytes) {
      const request = { method: 'PUT', headers, body: bytes, limitMs: 50_000 };
      const answer = await http(uploadUrl, request).catch(() => undefined);
      if (answer === undefined || answer.status >= 500) return 'no-answer';
      if (answer.status === 412) return 'there-already';
      if (answer.status >= 300) throw refused('the upload', answer);
      return 'stored';
    },
    async list(correlationId, next) {
      const query = new URLSearchParams({ correlationId, ...(next === undefined ? {} : { next }) });
      return signed(await viewer(), `${pictures}?${query}`, {}, pictureList);
    },
    async download(url) {
      const answer = await http(url);
      if (answer.status >= 300) throw refused('the download', answer);
      return answer.bytes;
    },
  };
}

const problem = z.object({ detail: z.string() });

/** What the API says of it, else its status alone: an answer of S3 holds parts of signed addresses. */
function refused(what: string, { status, body }: HttpAnswer): AppError {
  let said: string | undefined;
  try {
    said = problem.safeParse(JSON.parse(body)).data?.detail;
  } catch {
    // No JSON, so no answer of the API's functions.
  }
  const rights = status === 403 ? ' The right is missing, or the time of the address is over.' : '';
  return new AppError('refused', `${what} was answered with ${status}.${said === undefined ? rights : ` ${said}`}`);
}
