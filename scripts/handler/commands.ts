import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type HandlerStore, handlerStoreName, openServedStore } from '../../device/handler/store.ts';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import { isoUtc } from '../../device/platform/time.ts';
import { table } from './table.ts';

/** What a command found or did: for scripts as data, for people as text. */
export interface Answer {
  data: Record<string, unknown>;
  text: string;
}

/** How many of the rejected messages are shown. */
const mostRejected = 100;

/** The handler notices another writer at its next status message (`handler.statusMs`). */
export const soon = 'A running handler goes on within seconds (handler.statusMs), a stopped one at its next start.';

/**
 * Opens the store of the handler whose data lie in `dataDir`, or in `handler` below it as the local run has them; it may run.
 * @throws AppError as `openServedStore`.
 */
export function openStoreOf(dataDir: string): HandlerStore {
  const below = join(dataDir, 'handler', handlerStoreName);
  return openServedStore(existsSync(below) ? below : join(dataDir, handlerStoreName));
}

export function status(store: HandlerStore): Answer {
  const counts = store.counts();
  const knownIncidents = store.knownRows().length;
  const devices = store.countDevices();
  return {
    data: { store: store.path, instance: store.instance, ...counts, knownIncidents, devices },
    text: table(
      ['', ''],
      [
        ['store', store.path],
        ['instance', store.instance],
        ['devices', devices],
        ['breaches that last', counts.firing],
        ['of them held back by a silence', counts.silenced],
        ['silences', counts.silences],
        ['steps to be told', counts.entries],
        ['dead letters', counts.dead],
        ['put aside', counts.aside],
        ['rejected messages', counts.rejected],
        ['known incidents', knownIncidents],
      ],
    ).trimStart(),
  };
}

export function deadLetters(store: HandlerStore): Answer {
  const letters = store.deadLetters().map((letter) => {
    const occurrence = store.occurrence(letter.occurrenceId);
    const behind = store.entriesOf(letter.correlationId).filter((entry) => entry.id > letter.id).length;
    return {
      id: letter.id,
      key: letter.correlationId,
      step: letter.kind,
      incident: occurrence?.incident?.number ?? null,
      startedAt: occurrence?.message.startedAt ?? null,
      endedAt: occurrence?.message.endedAt ?? null,
      attempts: letter.attempts,
      waitingBehind: behind,
      reason: letter.error ?? '',
    };
  });
  const aside = store
    .asideEntries()
    .map(({ id, instance, correlationId, kind }) => ({ id, instance, key: correlationId, step: kind }));
  const rejected = store
    .rejectedMessages(mostRejected)
    .map(({ at, topic, reason, payload }) => ({ at: isoUtc(at), topic, reason, payload }));
  const sections = [
    section(
      'Dead letters: the instance refused the record, and the later steps of its key wait.',
      'Mend the reason on the instance or in the configuration, then: npm run handler -- redrive ID',
      table(
        ['ID', 'STEP', 'INCIDENT', 'KEY', 'SINCE', 'BEHIND', 'REASON'],
        letters.map((one) => [
          one.id,
          one.step,
          one.incident ?? '-',
          one.key,
          one.startedAt ?? '-',
          one.waitingBehind,
          one.reason,
        ]),
      ),
    ),
    section(
      'Put aside: steps for an instance that is not served any more.',
      'They are told when that instance is served again.',
      table(
        ['ID', 'STEP', 'KEY', 'INSTANCE'],
        aside.map((one) => [one.id, one.step, one.key, one.instance]),
      ),
    ),
    section(
      `Rejected messages, the latest ${mostRejected} first.`,
      'Nothing waits for them; they tell of a sender that is broken, cloned or of another version. --json shows what they held.',
      table(
        ['AT', 'TOPIC', 'REASON'],
        rejected.map((one) => [one.at, one.topic, one.reason]),
      ),
    ),
  ].filter((text) => text !== '');
  const text =
    sections.length === 0 ? 'Nothing: no dead letters, nothing put aside, nothing rejected.\n' : sections.join('\n');
  return { data: { deadLetters: letters, aside, rejected }, text };
}

/** @throws AppError `no-such-dead-letter`, before anything is changed. */
export function redrive(store: HandlerStore, ids: readonly number[] | 'all'): Answer {
  const letters = store.deadLetters();
  const unknown = ids === 'all' ? [] : ids.filter((id) => !letters.some((letter) => letter.id === id));
  if (unknown.length > 0) {
    throw new AppError(
      'no-such-dead-letter',
      `There is no dead letter ${unknown.join(', ')}; nothing was changed. List them: npm run handler -- dead-letters`,
    );
  }
  const redriven = store.transaction(() => store.redrive(ids)).length;
  const text =
    redriven === 0
      ? 'There are no dead letters.\n'
      : `${redriven} ${redriven === 1 ? 'dead letter waits' : 'dead letters wait'} to be told again, with what stands behind. ${soon}\n`;
  return { data: { redriven }, text };
}

export function trustEmpty(store: HandlerStore): Answer {
  const forgotten = store.knownRows().length;
  store.forgetKnownRows();
  return {
    data: { forgotten },
    text: `${forgotten} known ${forgotten === 1 ? 'incident' : 'incidents'} forgotten: an empty answer of the instance is believed until the next incident is made. ${soon}\n`,
  };
}

/** @throws AppError `backup-exists`, `backup-failed`; nothing is left of a copy that failed. */
export function backup(store: HandlerStore, file: string): Answer {
  const target = resolve(file);
  if (existsSync(target)) {
    throw new AppError('backup-exists', `${target} exists and is not overwritten. Name a new file.`);
  }
  // The copy holds what devices and incidents say: for its owner alone.
  process.umask(0o077);
  try {
    store.backup(target);
  } catch (error) {
    rmSync(target, { force: true });
    throw new AppError(
      'backup-failed',
      `Cannot write ${target}: ${messageOf(error)}. Check that the folder exists, is writable and has space.`,
      { cause: error },
    );
  }
  return {
    data: { file: target },
    text: `${target} written. To restore it, stop the handler and put it in the place of ${store.path}.\n`,
  };
}

function section(title: string, advice: string, rows: string): string {
  return rows === '' ? '' : `${title}\n${advice}\n\n${rows}`;
}
