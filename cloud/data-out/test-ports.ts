import type { ParkedRecord } from '../shared/parked-record.ts';
import { type Job, longestLine, readingsCsv, recordingJson, type Slice, type WorkMessage } from './contract.ts';
import type { DeliverPorts, DeliverSettings } from './deliver.ts';
import type { PlanPorts } from './plan.ts';
import type { Delivered } from './transform-slice.ts';

export const settings: DeliverSettings = {
  templates: new Map([readingsCsv, recordingJson].map((template) => [template.name, template])),
  memoryMb: 1_769,
  random: () => 1,
};

export function message(body: unknown, tries = 1): WorkMessage {
  return {
    ...{ messageId: `m-${JSON.stringify(body).length}`, receiptHandle: 'r' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    attributes: { ApproximateReceiveCount: tries },
  };
}

export function readingLine(place: number): string {
  return JSON.stringify({
    deviceId: `d${place}`,
    ts: '2026-11-24T10:00:00.000Z',
    metrics: { temperature: place },
  });
}

/** Ports in memory, and what is in them. */
export function memoryPorts(objects: Record<string, { etag: string; content: Buffer }> = {}) {
  const parked: ParkedRecord[] = [];
  const files = new Map<string, string>();
  const postponed: number[] = [];
  const jobs = new Map<string, Job>();
  const done = new Map<string, Set<number>>();
  const queues = new Map<string, Slice[]>();
  let clock = 0;
  const jobOf = (slice: Slice): Job => {
    const job = jobs.get(slice.job);
    if (job === undefined) throw new Error('no job');
    return job;
  };
  const ports: DeliverPorts & PlanPorts = {
    parking: { park: async (records) => void parked.push(...records) },
    source: {
      async read({ key, etag }, from, to) {
        const object = objects[key];
        if (object === undefined || object.etag !== etag) return undefined;
        return (async function* () {
          const wanted = object.content.subarray(from, Math.min(to, from + longestLine * 4));
          for (let at = 0; at < wanted.length; at += 7) yield wanted.subarray(at, at + 7);
        })();
      },
    },
    delivered: {
      open(key) {
        const chunks: Uint8Array[] = [];
        return {
          write: async (bytes) => void chunks.push(bytes),
          async end() {
            if (chunks.length === 0) return 0;
            files.set(key, Buffer.concat(chunks).toString());
            return 1;
          },
          abort: async () => undefined,
        };
      },
      put: async (key, text) => void files.set(key, text),
    },
    work: {
      async begin(job) {
        const nothing = { done: 0, lines: 0, rejected: 0, bytesIn: 0, bytesOut: 0, durationMs: 0, puts: 0 };
        if (!jobs.has(job.id)) jobs.set(job.id, { ...job, ...nothing });
      },
      doneAlready: async (slice) => (done.get(slice.job)?.has(slice.index) === true ? jobOf(slice) : undefined),
      async finish(slice, delivered: Delivered & { durationMs: number }) {
        const job = jobOf(slice);
        const numbers = done.get(slice.job) ?? new Set();
        done.set(slice.job, numbers);
        if (numbers.has(slice.index)) return job;
        numbers.add(slice.index);
        job.done += 1;
        for (const name of ['lines', 'rejected', 'bytesIn', 'bytesOut', 'puts', 'durationMs'] as const) {
          job[name] += delivered[name];
        }
        return job;
      },
    },
    queues: {
      send: async (destination, slices) =>
        void queues.set(destination, [...(queues.get(destination) ?? []), ...slices]),
    },
    postpone: async (_, seconds) => void postponed.push(seconds),
    now: () => (clock += 10),
  };
  return { ports, parked, files, postponed, jobs, queues };
}
