import { z } from 'zod';
import { namePart } from '../../device/reading/reading.ts';
import { readingQuery } from './contract.ts';
import { createHttpApp, type HttpApp, type OnFailure, parsePart, problemAnswer } from './http-app.ts';

/** A row of the readings table, as far as the API shows it. */
export interface ReadingRow {
  /** ISO 8601 UTC with milliseconds. */
  timestamp: string;
  metrics: Readonly<Record<string, number>>;
  site: string | null;
}

/** Rows of one device. */
export interface ReadingsOfDevice {
  /** Rows from `from` to `to`, both included, oldest first, at most `limit`; `after` leaves out what is not later. */
  list(range: { device: string; from: string; to: string; after?: string; limit: number }): Promise<ReadingRow[]>;
}

const pageCursor = z
  .string()
  .transform((text) => Buffer.from(text, 'base64url').toString('utf8'))
  // As this API writes it; anything else is no place in the table.
  .pipe(z.iso.datetime({ precision: 3 }));

/** `/v1/devices/{id}/readings`. */
export function createReadingsApi({
  readings,
  onFailure,
}: {
  readings: ReadingsOfDevice;
  onFailure: OnFailure;
}): HttpApp {
  const app = createHttpApp(onFailure);
  app.get('/v1/devices/:id/readings', async (c) => {
    const device = parsePart(c, z.object({ id: namePart }), c.req.param());
    if (!device.ok) return device.answer;
    const query = parsePart(c, readingQuery.safeExtend({ cursor: pageCursor.optional() }), c.req.query());
    if (!query.ok) return query.answer;
    const { cursor, limit } = query.value;
    const from = stamp(query.value.from);
    const to = stamp(query.value.to);
    // DynamoDB takes no start outside of the range.
    if (cursor !== undefined && (cursor < from || cursor > to)) {
      const errors = [{ field: 'cursor', message: 'is of another range: send from and to as for the page before' }];
      return problemAnswer(c, 'invalid_request', { errors });
    }
    const rows = await readings.list({
      ...{ device: device.value.id, from, to, limit: limit + 1 },
      ...(cursor === undefined ? {} : { after: cursor }),
    });
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return c.json({
      readings: page.map(({ timestamp, metrics, site }) => ({ at: timestamp, metrics, site })),
      next: last === undefined ? null : Buffer.from(last.timestamp).toString('base64url'),
    });
  });
  return app;
}

/** As the table's sort key is written. */
function stamp(text: string): string {
  return new Date(text).toISOString();
}
