import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { rooms as allRooms, type Room } from '../../cloud/rooms.ts';
import type { StageName } from '../../cloud/stages.ts';
import { AppError } from '../../device/platform/errors.ts';
import { runProcess } from './processes.ts';

const builtRoom = z.object({ name: z.string(), stacks: z.array(z.string()), fixedMonthlyUsd: z.number() });

/** What an assembly holds of one room; beside the CDK's own files, in rooms.json. */
export type BuiltRoom = z.infer<typeof builtRoom>;

const roomsFile = (assembly: string) => join(assembly, 'rooms.json');

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

/**
 * Bundles the functions of the rooms and writes their cloud assembly. Needs neither account nor network.
 * @throws Error with every finding of cdk-nag and of the template validation
 */
export async function synthesise(
  stage: StageName,
  rooms: readonly Room[],
  assembly: string,
): Promise<readonly BuiltRoom[]> {
  // Loaded late: it takes a second, and most commands that end with a wrong option need none of it.
  const { createApp } = await import('../../cloud/app.ts');
  const { app, stacks } = await createApp({ stage, rooms, outdir: assembly });
  app.synth();
  const built = rooms.map(({ name, fixedMonthlyUsd }) => ({
    name,
    fixedMonthlyUsd,
    stacks: (stacks.get(name) ?? []).map(({ stackName }) => stackName),
  }));
  writeFileSync(roomsFile(assembly), `${JSON.stringify(built, undefined, 2)}\n`);
  return built;
}

export interface Synthesis {
  stage: StageName;
  rooms: readonly Room[];
  assembly: string;
  logFile: string;
  limitMs: number;
}

/** The same in a process of its own, for it keeps a process from everything else for many seconds. */
export async function synthesiseApart({
  stage,
  rooms,
  assembly,
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
      ...named,
    ],
    env: process.env,
    logFile,
    limitMs,
  });
  return z.array(builtRoom).parse(JSON.parse(readFileSync(roomsFile(assembly), 'utf8')));
}
