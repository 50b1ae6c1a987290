import { parseMessage } from '../shared/domain-event.ts';
import type { ParkedRecord } from '../shared/parked-record.ts';
import type { Parking } from '../shared/parking.aws.ts';
import {
  type DestinationTemplate,
  type Job,
  type ParkingReason,
  type Slice,
  slice as sliceSchema,
  type WorkMessage,
} from './contract.ts';
import { type Meter, meterOf } from './meter.ts';
import { type Delivered, deliveredFolder, type SlicePorts, transformSlice } from './transform-slice.ts';

export interface DeliverPorts extends SlicePorts {
  parking: Parking;
  work: {
    /** @returns undefined where the slice is not delivered yet, else the job as it is */
    doneAlready(slice: Slice): Promise<Job | undefined>;
    /** Counts the slice once, however often it is told. */
    finish(slice: Slice, delivered: Delivered & { durationMs: number }): Promise<Job>;
  };
  /** Has SQS show the message again after so many seconds. */
  postpone(message: WorkMessage, seconds: number): Promise<void>;
  /** Monotonic, ms. */
  now(): number;
}

export interface DeliverSettings {
  templates: ReadonlyMap<string, DestinationTemplate>;
  memoryMb: number;
  random(): number;
}

export type Outcome =
  | { kind: 'delivered'; slice: Slice; delivered: Delivered; meter: Meter }
  | { kind: 'done-already' }
  | { kind: 'parked'; parked: ParkedRecord }
  | { kind: 'failed'; error: unknown };

const baseSeconds = 15;
const capSeconds = 900;

/** Seconds until a slice is tried again: full jitter, uniform in [1, min(cap, base · 2^tries)]. */
export function retryDelaySeconds(tries: number, random: () => number): number {
  return Math.max(1, Math.round(random() * Math.min(capSeconds, baseSeconds * 2 ** tries)));
}

/**
 * One work item. Idempotent: its files have names of their own, and are the same whoever writes them; the work table counts it once.
 */
export async function deliverSlice(
  message: WorkMessage,
  settings: DeliverSettings,
  ports: DeliverPorts,
): Promise<Outcome> {
  const park = async (parked: ParkedRecord): Promise<Outcome> => {
    await ports.parking.park([parked]);
    return { kind: 'parked', parked };
  };
  try {
    const parsed = parseMessage(sliceSchema, { ...message, groupId: '' });
    if (!parsed.ok) return await park(parsed.parked);
    const slice = parsed.value;
    const unusable = (reason: ParkingReason, detail: string) =>
      park({ id: `${slice.job} ${slice.index}`, reason, detail, bytes: Buffer.from(message.body) });
    const template = settings.templates.get(slice.destination);
    if (template === undefined) return await unusable('unknown-destination', `there is no ${slice.destination}`);
    const known = await ports.work.doneAlready(slice);
    if (known !== undefined) {
      // The last one to finish may have ended before it could say so.
      await conclude(slice, known, settings, ports);
      return { kind: 'done-already' };
    }
    const startedAt = ports.now();
    const delivered = await transformSlice(slice, template, ports);
    if (delivered === undefined) return await unusable('source-changed', `${slice.key} is not what was cut any more`);
    const durationMs = Math.ceil(ports.now() - startedAt);
    await conclude(slice, await ports.work.finish(slice, { ...delivered, durationMs }), settings, ports);
    const meter = meterOf({ ...delivered, durationMs, slices: 1 }, settings.memoryMb);
    return { kind: 'delivered', slice, delivered, meter };
  } catch (error) {
    const tries = message.attributes.ApproximateReceiveCount;
    // Without it the slice comes again too, only later.
    await ports.postpone(message, retryDelaySeconds(tries, settings.random)).catch(() => undefined);
    return { kind: 'failed', error };
  }
}

/** Where every slice is delivered, says so: whoever reads `_manifest.json` has all parts. */
async function conclude(
  slice: Slice,
  job: Job,
  { memoryMb }: DeliverSettings,
  { delivered }: DeliverPorts,
): Promise<void> {
  if (job.done < job.slices) return;
  const { key, destination, slices, lines, rejected, bytesIn, bytesOut } = job;
  const computed = meterOf({ ...job, slices }, memoryMb);
  const manifest = {
    key,
    destination,
    slices,
    lines,
    rejected,
    bytesIn,
    bytesOut,
    computedUsd: computed.usd,
    computedUsdPerGb: computed.usdPerGb,
  };
  await delivered.put(`${deliveredFolder(slice)}/_manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);
}
