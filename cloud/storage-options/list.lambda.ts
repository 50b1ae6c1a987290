import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { readAddress } from './addresses.aws.ts';
import { correlationKey, cursorOf, derivedKeys, listCursor, type pictureList } from './contract.ts';
import { httpEvent, httpResponse, misfits, problem } from './http.ts';
import { createPicturesTable } from './pictures-table.aws.ts';

const environment = readEnvironment(z.object({ TABLE_NAME: z.string(), PICTURES_BUCKET: z.string() }));
const requestHandler = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true };
const table = createPicturesTable(new DynamoDBClient({ requestHandler }), environment.TABLE_NAME);
const s3 = new S3Client();
const query = z.object({ correlationId: correlationKey, next: listCursor.optional() });
const linkSeconds = 300;

/** `GET /pictures?correlationId=…&next=…`: the pictures of an incident, with addresses of what is shown of them. */
export async function handler(event: unknown) {
  const asked = query.safeParse(httpEvent.parse(event).query);
  if (!asked.success) {
    const form = '?correlationId=…, and &next=… of the answer before';
    return httpResponse(problem(400, `Say the incident, ${form}: ${misfits(asked.error)}.`));
  }
  const { correlationId, next: after } = asked.data;
  const { pictures, next } = await table.listOf(correlationId, after);
  const address = (key: string) => readAddress(s3, { bucket: environment.PICTURES_BUCKET, key, seconds: linkSeconds });
  const body: z.input<typeof pictureList> = {
    ...(next === undefined ? {} : { next: cursorOf(next) }),
    pictures: await Promise.all(
      pictures.map(async (picture) => {
        if (picture.status !== 'PROCESSED') return { picture };
        const { tile, scaled, exif } = derivedKeys(picture.id);
        return {
          picture,
          links: { tile: await address(tile), scaled: await address(scaled), exif: await address(exif) },
        };
      }),
    ),
  };
  return httpResponse({ status: 200, body });
}
