import { z } from 'zod';
import { type Cell, cells, type Gap } from '../../cloud/gaps.ts';

/** What vitest's JSON reporter writes, as far as it is used here. */
const resultsSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string().describe('Path of the file.'),
      assertionResults: z.array(
        z.object({
          ancestorTitles: z.array(z.string()),
          title: z.string(),
          status: z.enum(['passed', 'failed', 'skipped', 'pending', 'todo', 'disabled']),
        }),
      ),
    }),
  ),
});

export interface ReportCell {
  /** `gap`: part of it cannot be shown on this account, told by `reason`. */
  state: 'pass' | 'fail' | 'gap';
  tests: string[];
  /** What the tests ran against: `cdk 2.276.0`, `ministack 1.5.33`, and what their names say in brackets at the end. */
  peer: string;
  reason?: string;
}

export type ReportRoom = { room: string } & Record<Cell, ReportCell>;

export interface Report {
  rooms: ReportRoom[];
}

export interface ReportInput {
  /** Rooms that were deployed: a row each. */
  rooms: readonly string[];
  /** vitest's JSON report; anything else is a report without tests. */
  results: unknown;
  gaps: readonly Gap[];
  /** What templates are checked by, and the account. */
  peers: { templates: string; account: string };
}

interface Told {
  room: string;
  cell: string;
  name: string;
  peer: string | undefined;
  passed: boolean;
}

/**
 * The table of rooms, by the names of tests. A test belongs to the room that its outermost `describe` names, and to the
 * column before its first colon: `triggered: a message over MQTT starts it [mosquitto]`.
 *
 * | tests of the cell                   | probe of an open gap | state |
 * |-------------------------------------|----------------------|-------|
 * | one did not pass                    | any                  | fail  |
 * | all passed, or none there           | passed               | gap   |
 * | all passed, or none there           | failed or missing    | fail  |
 * | all passed                          | no gap               | pass  |
 * | none there                          | no gap               | fail  |
 */
export function reportOf({ rooms, results, gaps, peers }: ReportInput): Report {
  const tests = testsOf(results);
  const probed = (id: string) => tests.find(({ cell, name }) => cell === 'probe' && name.startsWith(`probe: ${id}`));

  function cellOf(room: string, cell: Cell): ReportCell {
    const own = tests.filter((test) => test.room === room && test.cell === cell);
    const account = cell === 'synth' || cell === 'nag' ? peers.templates : peers.account;
    const base = {
      tests: own.map(({ name }) => name),
      peer: [...new Set(own.map(({ peer }) => peer ?? account))].join(', ') || account,
    };
    const broken = own.filter(({ passed }) => !passed);
    if (broken.length > 0) return { state: 'fail', ...base, reason: `${broken.length} of ${own.length} did not pass` };
    const open = gaps.filter((gap) => gap.room === room && gap.cells.includes(cell));
    const unproved = open.find(({ id }) => probed(id)?.passed !== true);
    if (unproved !== undefined) {
      const how = probed(unproved.id) === undefined ? 'did not run' : 'failed: the account may have learnt it';
      return { state: 'fail', ...base, reason: `the probe of ${unproved.id} ${how}` };
    }
    if (open.length > 0) return { state: 'gap', ...base, reason: open.map(({ reason }) => reason).join('; ') };
    return own.length > 0
      ? { state: 'pass', ...base }
      : { state: 'fail', ...base, reason: `no test is named ${cell}: …` };
  }

  return {
    rooms: rooms.map((room) => ({
      room,
      synth: cellOf(room, 'synth'),
      nag: cellOf(room, 'nag'),
      deployed: cellOf(room, 'deployed'),
      triggered: cellOf(room, 'triggered'),
      effect: cellOf(room, 'effect'),
      rights: cellOf(room, 'rights'),
    })),
  };
}

/** Cells that fail, a sentence each. */
export function problemsOf({ rooms }: Report): string[] {
  return rooms.flatMap((room) =>
    cells.flatMap((cell) => (room[cell].state === 'fail' ? [`${room.room} ${cell}: ${room[cell].reason}`] : [])),
  );
}

/** For a terminal: a line a room, then a line for each gap. */
export function tableOf({ rooms }: Report): string {
  const word = ({ state, tests }: ReportCell) => (state === 'pass' ? `pass ${tests.length}` : state);
  const rows = [['room', ...cells], ...rooms.map((room) => [room.room, ...cells.map((cell) => word(room[cell]))])];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const open = rooms.flatMap((room) =>
    cells.flatMap((cell) => (room[cell].state === 'gap' ? [`gap: ${room.room} ${cell}: ${room[cell].reason}`] : [])),
  );
  return [...lines, ...open].join('\n');
}

function testsOf(results: unknown): Told[] {
  const parsed = resultsSchema.safeParse(results);
  if (!parsed.success) return [];
  return parsed.data.testResults.flatMap(({ assertionResults }) =>
    assertionResults.map(({ ancestorTitles, title, status }) => ({
      room: ancestorTitles[0] ?? '',
      cell: title.slice(0, Math.max(0, title.indexOf(':'))),
      name: title,
      peer: /\[([^\]]+)\]$/.exec(title)?.[1],
      passed: status === 'passed',
    })),
  );
}
