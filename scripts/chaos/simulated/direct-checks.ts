import { type AnswerMessage, anomalyMessage, answerMessage } from '../../../device/anomaly/anomaly.ts';
import { occurrenceId } from '../../../device/anomaly/identity.ts';
import { anomalyExample } from '../../../device/messages/examples.ts';
import { silentLogger } from '../../../device/platform/logger.ts';
import { manualTime } from '../../../device/platform/time.ts';
import { createChronicle, type Finding, startMs } from './chronicle.ts';
import { createComponent } from './component.ts';
import type { DeviceCode } from './device-code.ts';
import { blankStore, createDisk } from './disk.ts';
import { eventLoop } from './event-loop.ts';
import { createHandlerSide, endedKept } from './handler-side.ts';
import { beginLife } from './life.ts';
import { createMonitorSide, readingsBuffered } from './monitor-side.ts';
import type { Mutant } from './mutants.ts';
import { createNetwork } from './network.ts';
import { scheduleOf } from './schedule.ts';
import { createSimulatedServiceNow } from './service-now.ts';

/**
 * What no schedule shows, looked at by itself: two things that the roll call repairs before anybody sees them, and what is
 * bounded by more breaches and readings than a schedule has. A handler is sent messages, and what it answers and keeps is
 * read; a monitor that is cut off is shown readings.
 */
export async function checkDirectly(
  what: NonNullable<Mutant['direct']>,
  device: DeviceCode,
): Promise<readonly Finding[]> {
  const bench = createBench(device);
  try {
    await bench.pass(1_000);
    return await checks[what](bench);
  } finally {
    bench.close();
  }
}

type Bench = ReturnType<typeof createBench>;

const checks = {
  'answer after commit': answersAfterCommit,
  'high-water mark': keepsHighWater,
  'bounded history': keepsHistoryBounded,
  'bounded memory': keepsMemoryBounded,
} as const satisfies Record<NonNullable<Mutant['direct']>, (bench: Bench) => Promise<Finding[]>>;

/** A crash right before the commit: nothing was answered, and what is sent again is new. */
async function answersAfterCommit({ handler, answers, send, pass }: Bench): Promise<Finding[]> {
  handler.arm({ at: { port: 'commit', when: 'before' }, skip: 0, downMs: 1_000, survival: 'committed', reboot: false });
  send();
  await pass(500);
  const early = answers.splice(0);
  if (handler.crashes() !== 1) return [{ invariant: 'answered after the commit', what: 'there was no commit' }];
  if (early.length > 0) return [{ invariant: 'answered after the commit', what: `${early[0]?.result} before it` }];
  await pass(2_000);
  send();
  await pass(500);
  const late = answers.at(-1)?.result;
  return late === 'accepted' ? [] : [{ invariant: 'answered after the commit', what: `sent again: ${late}` }];
}

async function keepsHighWater({ answers, send, pass }: Bench): Promise<Finding[]> {
  for (let copy = 0; copy < 2; copy += 1) {
    send();
    await pass(500);
  }
  const heard = answers.map(({ result, highWater }) => `${result} ${highWater}`).join(', ');
  const { sequence } = anomalyExample;
  const wanted = `accepted ${sequence}, duplicate ${sequence}`;
  return heard === wanted ? [] : [{ invariant: 'the high-water mark is kept', what: heard }];
}

/** More breaches that are over than are kept, each told to its end. */
async function keepsHistoryBounded({ side, send, pass }: Bench): Promise<Finding[]> {
  const { installationId, startedAt } = anomalyExample;
  for (let nth = 0; nth < 2 * endedKept; nth += 1) {
    const key = { ...anomalyExample, metric: `metric-${nth}` };
    const id = occurrenceId(installationId, key, 1);
    send({ ...key, id, sequence: 1, firingSequence: 1 });
    const over = { phase: 'resolved', endedAt: startedAt, endReason: 'cleared' } as const;
    send({ ...key, ...over, id, sequence: 2, firingSequence: 1 });
  }
  await pass(10 * 60_000);
  const status = side.status();
  const { length: kept } = side.recent(10 * endedKept);
  const left = status === undefined ? Number.NaN : status.counts.entries + status.counts.dead;
  if (left !== 0) return [{ invariant: 'files are bounded', what: `${left} entries are not told` }];
  return kept <= endedKept ? [] : [{ invariant: 'files are bounded', what: `${kept} breaches are kept` }];
}

/** More readings than a monitor keeps while the broker is away. */
async function keepsMemoryBounded({ startMonitor, pass }: Bench): Promise<Finding[]> {
  const monitor = startMonitor();
  await pass(1_000);
  for (let nth = 0; nth < 2 * readingsBuffered; nth += 1) monitor.sample('sensor', { temperature: 20 });
  const { buffered = Number.NaN, dropped = Number.NaN } = monitor.status()?.readings ?? {};
  monitor.close();
  const isBounded = buffered <= readingsBuffered && buffered + dropped === 2 * readingsBuffered;
  return isBounded ? [] : [{ invariant: 'memory is bounded', what: `${buffered} readings are kept, ${dropped} not` }];
}

function createBench(device: DeviceCode) {
  const time = manualTime(startMs, 1_000);
  const random = () => 0.5;
  let ids = 0;
  const newId = () => {
    ids += 1;
    return ids.toString(16).padStart(32, '0');
  };
  const network = createNetwork(time, random);
  const schedule = { ...scheduleOf(1), steps: [] };
  const blank = blankStore('handler.db', (path) => device.openHandlerStore(path, ''));
  const disk = createDisk('handler.db', blank, false);
  const chronicle = createChronicle(schedule);
  const shared = { time, random, newId, network, device, setup: schedule.setup, logger: silentLogger, chronicle };
  const side = createHandlerSide({
    ...shared,
    disk,
    services: [createSimulatedServiceNow({ time, wallMs: time.wallMs, random, newId, onWrite() {}, onLate() {} })],
  });
  const handler = createComponent({ time, disk, begin: side.begin, onEnd: side.ended, onReboot() {} });
  const answers: AnswerMessage[] = [];
  const monitor = network.transport(
    'monitor',
    beginLife(time, () => {}),
  );
  const loop = eventLoop(time);
  void monitor.subscribe('IoTBlog/anomaly/ack', ({ payload }) => {
    answers.push(answerMessage.parse(JSON.parse(Buffer.from(payload).toString('utf8'))));
  });
  handler.start();
  return {
    handler,
    side,
    answers,
    send: (message: typeof anomalyExample = anomalyExample) =>
      void monitor.publish('IoTBlog/anomaly', JSON.stringify(anomalyMessage.parse({ ...message }))),
    /** A monitor that is cut off. */
    startMonitor() {
      const journal = createDisk(
        'monitor.db',
        blankStore('monitor.db', (path) => device.openJournal(path)),
        false,
      );
      const own = createMonitorSide({ ...shared, disk: journal });
      const life = beginLife(time, () => {});
      network.setOnline('monitor', false);
      void own.begin(life);
      return {
        ...own,
        close() {
          own.close();
          journal.remove();
        },
      };
    },
    pass: (ms: number) => loop.passTo(time.monotonicMs() + ms),
    close() {
      loop.giveBack();
      side.close();
      disk.remove();
    },
  };
}
