import type { ParkedRecord } from '../shared/parked-record.ts';
import { type ArrivedReading, type Decoded, decode, parkedFor } from './decode.ts';

export type Written =
  /** `duplicate`: the row is this message's own, of an earlier delivery. `superseded`: a later reading, or one of the stream, stands there. */
  | { kind: 'stored' | 'duplicate' | 'superseded' }
  /** The table takes nothing for now, whatever the message. */
  | { kind: 'away'; error: unknown };

export interface ConsumePorts {
  readings: {
    /** Writes the row where none stands, or an earlier one. @throws what is wrong with this message's row alone */
    write(reading: ArrivedReading): Promise<Written>;
  };
  /** @throws what a retry may cure */
  parking: { park(records: readonly ParkedRecord[]): Promise<void> };
  /** What is remembered of messages that were not simply stored. All throw what a retry may cure. */
  marks: {
    /** @returns how often it was counted, this one included. */
    countFailure(id: string): Promise<number>;
    parkedAmong(ids: readonly string[]): Promise<ReadonlySet<string>>;
    setParked(ids: readonly string[]): Promise<void>;
  };
}

export interface Consumed {
  stored: number;
  /** Of an earlier delivery, stored or parked. */
  duplicates: number;
  superseded: number;
  parked: readonly ParkedRecord[];
  /** Instant of the newest reading that was stored, epoch ms. */
  newestMs: number | undefined;
  /** Where the batch has to come again. */
  failure?: { sentence: string; errors: readonly unknown[] };
}

/**
 * Failures of redelivered messages that are counted before one is parked: on its fourth delivery, as the first is not
 * counted. The poller gives each message up after the seventh, and all others of its batch with it, good as they may be.
 */
export const mostFailures = 3;

export interface ConsumeSettings {
  keepDays: number;
  /** Whether the time is over in which a further group of rows, or what follows on the last, may be begun. */
  isLate(): boolean;
}

/** Rows on their way at a time. */
const writesAtOnce = 10;

/**
 * A batch of the queue. Good neighbours of a failing message are stored at once, and found again as duplicates when the
 * batch is redelivered, which it is as a whole:
 *
 * | message                                   | becomes                                                   |
 * |-------------------------------------------|-----------------------------------------------------------|
 * | no reading                                | parked at once, and not again                             |
 * | its row is new, or later than the table's | stored                                                    |
 * | its row is there, or a later one          | dropped: duplicate, superseded                            |
 * | the table is away                         | the batch comes again; nothing is counted                 |
 * | all of several rows fail in the same way  | the batch comes again; nothing is counted                 |
 * | no time is left                           | the batch comes again; nothing is counted                 |
 * | its row fails, first or second time       | the batch comes again                                     |
 * | its row has failed `mostFailures` times   | parked                                                    |
 */
export async function consumeMessages(
  messages: readonly unknown[],
  settings: ConsumeSettings,
  ports: ConsumePorts,
): Promise<Consumed> {
  const all = messages.map((message) => decode(message, settings));
  const decoded = [...new Map(all.map((one) => [one.id, one])).values()];
  const result: Consumed = {
    ...{ stored: 0, duplicates: all.length - decoded.length, superseded: 0 },
    ...{ parked: [], newestMs: undefined },
  };
  const failed: Failed[] = [];
  const readings = decoded.filter((one) => one.kind === 'reading');
  const late = (): Consumed => ({
    ...result,
    failure: { sentence: 'No time is left for all of the batch; the broker gives it again.', errors: [] },
  });
  for (let start = 0; start < readings.length; start += writesAtOnce) {
    if (settings.isLate()) return late();
    const some = readings.slice(start, start + writesAtOnce);
    const attempts = await Promise.all(some.map((message) => attempt(message, ports)));
    for (const { message, written } of attempts) count(result, written.kind, message.reading.atMs);
    const away = attempts.flatMap(({ written }) => (written.kind === 'away' ? [written.error] : []));
    if (away.length > 0) {
      return { ...result, failure: { sentence: 'The table of readings takes nothing for now.', errors: away } };
    }
    failed.push(
      ...attempts.flatMap(({ message, written }) =>
        written.kind === 'failed' ? [{ message, error: written.error }] : [],
      ),
    );
  }

  const [common] = failed;
  if (common !== undefined && failed.length > 1 && failed.length === readings.length && isOneName(failed)) {
    const sentence = `All ${failed.length} readings failed with ${nameOf(common.error)}, so none of them is to blame.`;
    return { ...result, failure: { sentence, errors: failed.map(({ error }) => error) } };
  }
  if (settings.isLate()) return late();

  const unusable = decoded.flatMap((one) => (one.kind === 'unusable' ? [parkedFor(one, one.reason, one.detail)] : []));
  const { givenUp, comesAgain } = await judge(failed, ports);
  const toPark = [...unusable, ...givenUp];
  result.parked = await parkOnce(toPark, ports);
  result.duplicates += toPark.length - result.parked.length;
  if (comesAgain.length === 0) return result;
  const sentence = `${comesAgain.length} of ${messages.length} messages failed; the broker gives all of them again.`;
  return { ...result, failure: { sentence, errors: comesAgain } };
}

interface Failed {
  message: Decoded;
  error: unknown;
}

function isOneName(failed: readonly Failed[]): boolean {
  return new Set(failed.map(({ error }) => nameOf(error))).size === 1;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error);
}

async function attempt(
  message: Decoded & { kind: 'reading' },
  { readings }: ConsumePorts,
): Promise<{ message: typeof message; written: Written | { kind: 'failed'; error: unknown } }> {
  try {
    return { message, written: await readings.write(message.reading) };
  } catch (error) {
    return { message, written: { kind: 'failed', error } };
  }
}

/** Which of the failed messages have failed too often, and what the others failed with. */
async function judge(failed: readonly Failed[], { marks }: ConsumePorts) {
  const counted = await Promise.all(
    failed.map(async ({ message, error }) => ({
      ...{ message, error },
      failures: message.redelivered ? await marks.countFailure(message.id) : 0,
    })),
  );
  const isOver = ({ failures }: { failures: number }) => failures >= mostFailures;
  return {
    givenUp: counted.filter(isOver).map(({ message, error }) => parkedFor(message, 'failed-too-often', String(error))),
    comesAgain: counted.filter((one) => !isOver(one)).map(({ error }) => error),
  };
}

function count(result: Consumed, kind: Written['kind'] | 'failed', atMs: number): void {
  if (kind === 'duplicate') result.duplicates += 1;
  if (kind === 'superseded') result.superseded += 1;
  if (kind !== 'stored') return;
  result.stored += 1;
  result.newestMs = Math.max(result.newestMs ?? atMs, atMs);
}

/** The queue knows an id again for five minutes, the marks for weeks; so it is parked before it is marked. */
async function parkOnce(
  records: readonly ParkedRecord[],
  { parking, marks }: ConsumePorts,
): Promise<readonly ParkedRecord[]> {
  if (records.length === 0) return [];
  const known = await marks.parkedAmong(records.map(({ id }) => id));
  const fresh = records.filter(({ id }) => !known.has(id));
  if (fresh.length === 0) return [];
  await parking.park(fresh);
  await marks.setParked(fresh.map(({ id }) => id));
  return fresh;
}
