import { z } from 'zod';
import type { Device } from './contract.ts';
import { type HttpAnswer, type HttpRequest, problemAnswer } from './http.ts';

export interface ListPorts {
  /** A page in the order of the table, which is none that people know; `next` is where the one after it begins. */
  page(limit: number, after: string | undefined): Promise<{ items: Device[]; next: string | undefined }>;
}

const limitSchema = z
  .string()
  .regex(/^\d{1,3}$/)
  .transform(Number)
  .pipe(z.int().min(1).max(100));
const defaultLimit = 50;

/** `GET`: a page of devices. */
export async function list({ query }: HttpRequest, { page }: ListPorts): Promise<HttpAnswer> {
  const limit = limitSchema.safeParse(query['limit'] ?? String(defaultLimit));
  if (!limit.success) return problemAnswer(400, 'limit is no number from 1 to 100. Leave it out for 50.');
  const token = query['nextToken'];
  const after = token === undefined ? undefined : placeOf(token);
  if (token !== undefined && after === undefined) {
    return problemAnswer(
      400,
      'nextToken is none of this list. Send the nextToken of the page before, or none for the first.',
    );
  }
  const { items, next } = await page(limit.data, after);
  return { status: 200, body: { items, ...(next === undefined ? {} : { nextToken: tokenOf(next) }) } };
}

const placeSchema = z.object({ after: z.string().min(1).max(2_048) });

function tokenOf(after: string): string {
  return Buffer.from(JSON.stringify({ after } satisfies z.infer<typeof placeSchema>)).toString('base64url');
}

function placeOf(token: string): string | undefined {
  try {
    return placeSchema.safeParse(JSON.parse(Buffer.from(token, 'base64url').toString())).data?.after;
  } catch {
    return undefined;
  }
}
