import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type HandlerStore, openServedStore } from '../../../device/handler/store.ts';
import { AppError } from '../../../device/platform/errors.ts';
import { type AuditResult, audit, strictPolicy } from '../../audit/audit.ts';
import type { Breach } from '../../audit/breach.ts';
import { type InstanceRecords, readInstance } from '../../audit/instance.ts';
import { eventually } from './eventually.ts';
import { closeHeld } from './faults-of-instance.ts';
import type { Account, Finding } from './round.ts';
import type { World } from './world.ts';

const calmWithinMs = 30_000;
/** At the peak, also in a storm of 10,000 keys. */
const mostMemoryBytes = 300_000_000;
/** How the edge's note begins. */
const toldRace = 'Somebody else, or a rule of the instance, changed this incident at the same moment';
/** Beyond how long the monitor was unheard: a reading's way to it and back. */
const wayMs = 500;

export interface Judged {
  findings: Finding[];
  breaches: number;
}

/** Judges a round after the other on one world; what was judged once may not change any more. */
export interface Judge {
  /** Waits until all breaches have ended, and all that is wrong is no longer under way. */
  judge(account: Account): Promise<Judged>;
}

export interface JudgeOptions {
  /** How long all may take to come right once nothing strikes any more. */
  rightWithinMs?: number;
  /** What the files of one component may come to; a store holds each device that it has heard of. */
  mostFileBytes?: number;
}

/** What was judged, for rounds in which it is judged again. */
interface Past {
  breaches: Breach[];
  toleranceMs: number;
  monitorLossesMs: number[];
  handlerLossesMs: number[];
  people: boolean;
  clockWasWrong: boolean;
}

export function createJudge(
  world: World,
  { rightWithinMs = 90_000, mostFileBytes = 32_000_000 }: JudgeOptions = {},
): Judge {
  const { waves, serviceNow, components } = world;
  let settled = new Map<string, string>();
  const nothing = { breaches: [], toleranceMs: 0, monitorLossesMs: [], handlerLossesMs: [] };
  let past: Past = { ...nothing, people: false, clockWasWrong: false };
  const recordsNow = () => readInstance({ url: serviceNow.url, ...serviceNow.credentials });

  const toleranceMs = ({ unstoredMs }: Account) => unstoredMs + waves.longestSilenceMs() + wayMs;

  function including(account: Account): Past {
    return {
      breaches: [...past.breaches, ...waves.breaches().map(account.excuse)],
      toleranceMs: Math.max(past.toleranceMs, toleranceMs(account)),
      monitorLossesMs: [...past.monitorLossesMs, ...account.monitorLossesMs],
      handlerLossesMs: [...past.handlerLossesMs, ...account.handlerLossesMs],
      people: past.people || account.decided.size > 0,
      clockWasWrong: past.clockWasWrong || account.clockWasWrong,
    };
  }

  /**
   * Incidents of earlier rounds are resolved, and nothing may come to them. So a round is judged by its own incidents, and
   * by how long the monitor was unheard in it; but for clocks: what is told to be over in the future is reopened.
   */
  async function wrongNow(account: Account): Promise<Finding[]> {
    const records = await recordsNow();
    const all = including(account);
    const own = {
      ...{ ...all, breaches: waves.breaches().map(account.excuse), people: account.decided.size > 0 },
      toleranceMs: toleranceMs(account),
    };
    const { clockWasWrong, breaches, ...policy } = all.clockWasWrong ? all : own;
    const isJudged = (sysId: string) => clockWasWrong || !settled.has(sysId);
    const result = audit({
      breaches,
      rows: records.rows.filter((row) => isJudged(row.sys_id)),
      journal: records.journal.filter((note) => isJudged(note.element_id)),
      attachments: records.attachments.filter((file) => isJudged(file.table_sys_id)),
      policy: { ...strictPolicy, ...policy, handlerRules: account.handlerRules },
    });
    const found = clockWasWrong ? { ...result, orderViolations: [] } : result;
    return [...findingsOf(found), ...(clockWasWrong ? [] : changed(settled, records))];
  }

  return {
    async judge(account) {
      waves.calm();
      if (!(await eventually(() => !waves.isHot(), calmWithinMs))) {
        const what = `a device is not seen to breach for ${calmWithinMs} ms: the monitor publishes no readings`;
        return { findings: [...account.findings, { invariant: 'the monitor comes back', what }], breaches: 0 };
      }
      let wrong: Finding[] = [];
      await eventually(async () => {
        // The instance is read once there is a chance that all is told: its whole history is much to read.
        wrong = waiting(world);
        if (wrong.length === 0) wrong = await wrongNow(account);
        return wrong.length === 0;
      }, rightWithinMs);
      if (wrong.length > 0) wrong = [...waiting(world), ...(await wrongNow(account))];
      const { length: breaches } = waves.breaches();
      const findings = [...account.findings, ...wrong, ...undone(world, account), ...unbounded(world), ...told(world)];
      await closeHeld(world);
      settled = textOf(await recordsNow());
      past = including(account);
      return { findings, breaches };
    },
  };

  function unbounded({ dataDirs }: World): Finding[] {
    const names = ['monitor', 'handler'] as const;
    return names.flatMap((name) => {
      const memory = components[name].peakMemoryBytes() ?? 0;
      const files = filesIn(dataDirs[name]).reduce((sum, file) => sum + statSync(file).size, 0);
      return [
        ...(memory > mostMemoryBytes ? [{ invariant: 'memory is bounded', what: `${name}: ${memory} bytes` }] : []),
        ...(files > mostFileBytes ? [{ invariant: 'files are bounded', what: `${name}: ${files} bytes` }] : []),
      ];
    });
  }
}

function findingsOf(result: AuditResult): Finding[] {
  const { ok: _ok, underway: _underway, summary: _summary, ...lists } = result;
  return Object.entries(lists).flatMap(([invariant, list]: [string, readonly unknown[]]) =>
    list.map((one) => ({ invariant, what: JSON.stringify(one) })),
  );
}

function textOf({ rows, journal, attachments }: InstanceRecords): Map<string, string> {
  const texts = new Map(rows.map((row) => [row.sys_id, JSON.stringify(row)]));
  for (const note of journal) texts.set(note.element_id, `${texts.get(note.element_id)}\n${note.value}`);
  for (const { table_sys_id: row, file_name: name } of attachments) texts.set(row, `${texts.get(row)}\n${name}`);
  return texts;
}

/** Incidents of earlier rounds are resolved, and nothing comes to them. */
function changed(settled: ReadonlyMap<string, string>, records: InstanceRecords): Finding[] {
  const now = textOf(records);
  return [...settled].flatMap(([sysId, text]) =>
    now.get(sysId) === text
      ? []
      : [{ invariant: 'what is over stays as it is', what: `was\n${text}\nand is\n${now.get(sysId)}` }],
  );
}

/** Dead letters are told again, as an operator does once the reason is mended; then nothing may wait. */
function waiting({ dataDirs }: World): Finding[] {
  const invariant = 'queues run empty';
  let store: HandlerStore;
  try {
    store = openServedStore(join(dataDirs.handler, 'handler.db'));
  } catch (error) {
    // A store that was lost is new, and serves an instance after its first start.
    if (error instanceof AppError && ['store-missing', 'store-unused'].includes(error.reason))
      return [{ invariant, what: error.message }];
    throw error;
  }
  try {
    const { entries, dead } = store.counts();
    if (dead > 0) store.transaction(() => store.redrive('all'));
    const what = `${entries} entries and ${dead} dead letters at the handler`;
    return entries + dead === 0 ? [] : [{ invariant, what }];
  } finally {
    store.close();
  }
}

/** What a person decides between the edge's look and its write is overwritten, found by the edge, and told in a note. */
function undone({ serviceNow }: World, { decided }: Account): Finding[] {
  const rows = new Map(serviceNow.rows('incident').map((row) => [row['sys_id'], row]));
  const raced = serviceNow.rows('sys_journal_field').filter((note) => note['value']?.startsWith(toldRace));
  return [...decided].flatMap(([sysId, fields]) =>
    raced.some((note) => note['element_id'] === sysId)
      ? []
      : Object.entries(fields).flatMap(([field, value]) => {
          const row = rows.get(sysId);
          return row?.[field] === value
            ? []
            : [
                {
                  invariant: 'what people decided is kept',
                  what: `${row?.['number']}: ${field} is ${row?.[field]}, not ${value}`,
                },
              ];
        }),
  );
}

/** Secrets in files that are not there to hold them. */
function told({ dataDirs, logFile, secrets }: World): Finding[] {
  return [...filesIn(dataDirs.monitor), ...filesIn(dataDirs.handler), logFile].flatMap((file) => {
    const content = readFileSync(file);
    return [...secrets].some((secret) => content.includes(secret))
      ? [{ invariant: 'no secret in a file', what: file }]
      : [];
  });
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
