import { join } from 'node:path';
import { rooms as allRooms, type Room } from '../../cloud/rooms.ts';
import type { StageName } from '../../cloud/stages.ts';
import {
  alarmsMonthlyUsd,
  type BuiltRoom,
  readBuiltRooms,
  readResources,
  writeBuiltRooms,
} from '../../cloud/testing/assembly.ts';
import { AppError } from '../../device/platform/errors.ts';
import { runProcess } from './processes.ts';

/**
 * The rooms of these names, all where none is named.
 * @throws AppError `unknown-room`
 */
export function chooseRooms(names: readonly string[]): readonly Room[] {
  const unknown = names.find((name) => !allRooms.some((room) => room.name === name));
  if (unknown !== undefined) {
    const known = allRooms.map(({ name }) => name).join(', ');
    throw new AppError(
      'unknown-room',
      `No room is called ${unknown}. There are: ${known}. A new one has a line in cloud/rooms.ts.`,
    );
  }
  return names.length === 0 ? allRooms : allRooms.filter(({ name }) => names.includes(name));
}

export interface SynthesisOptions {
  stage: StageName;
  rooms: readonly Room[];
  assembly: string;
  /** Templates without the code of functions: nothing that can be deployed. */
  templatesOnly?: boolean;
}

/**
 * Bundles the functions of the rooms and writes their cloud assembly. Needs neither account nor network.
 * @throws Error with every finding of cdk-nag and of the template validation
 */
export async function synthesise({
  stage,
  rooms,
  assembly,
  templatesOnly = false,
}: SynthesisOptions): Promise<readonly BuiltRoom[]> {
  // Loaded late: it takes a second, and most commands that end with a wrong option need none of it.
  const { createApp } = await import('../../cloud/app.ts');
  const { app, stacks } = await createApp({ stage, rooms, outdir: assembly, templatesOnly });
  app.synth();
  const built = rooms.map((room): BuiltRoom => {
    const names = (stacks.get(room.name) ?? []).map(({ stackName }) => stackName);
    const alarms = names.map((stack) => alarmsMonthlyUsd(readResources(assembly, stack)));
    const usd = alarms.reduce((sum, one) => sum + one, room.fixedMonthlyUsd);
    return { name: room.name, stacks: names, fixedMonthlyUsd: Math.round(100 * usd) / 100 };
  });
  writeBuiltRooms(assembly, built);
  return built;
}

export interface Synthesis extends SynthesisOptions {
  logFile: string;
  limitMs: number;
}

/** The same in a process of its own, for it keeps a process from everything else for many seconds. */
export async function synthesiseApart({
  stage,
  rooms,
  assembly,
  templatesOnly = false,
  logFile,
  limitMs,
}: Synthesis): Promise<readonly BuiltRoom[]> {
  const named = rooms.flatMap(({ name }) => ['--room', name]);
  await runProcess({
    name: 'The synthesis',
    program: process.execPath,
    args: [
      '--import',
      'tsx',
      join(import.meta.dirname, 'main.ts'),
      'synth',
      '--stage',
      stage,
      '--output',
      assembly,
      ...(templatesOnly ? ['--templates-only'] : []),
      ...named,
    ],
    env: process.env,
    logFile,
    limitMs,
  });
  return readBuiltRooms(assembly);
}
