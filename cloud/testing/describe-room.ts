import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { rooms } from '../rooms.ts';
import { type RightsTable, rightsIn } from '../shared/rights.ts';
import type { Wildcard } from '../shared/wildcards.ts';
import type { StageName } from '../stages.ts';
import { accountVariables } from './account.ts';
import { readAssets, readBuiltRooms, readFindings, readResources } from './assembly.ts';
import { unusedRights } from './called-actions.ts';
import {
  alarmFindings,
  asynchronousFindings,
  functionFindings,
  protectionFindings,
  rightsOf,
  sortedRights,
  statefulResources,
  streamFindings,
  wildcardFindings,
} from './conventions.ts';
import { failureModeFindings } from './failure-modes.ts';
import type { TemplateResource } from './template.ts';

/** Stage dev lies between the two; `npm run synth` builds it too. */
const testedStages = ['local', 'prod'] as const satisfies StageName[];

/** One room of one stage, synthesised. */
export interface SynthesisedRoom {
  /** What cdk-nag found and nobody gave a reason for. */
  nag: string[];
  /** The resources of its stacks, by stack name. */
  stacks: ReadonlyMap<string, readonly TemplateResource[]>;
  /** What the CDK's command line would upload for them: the asset manifest of each stack, by its name. */
  assets: ReadonlyMap<string, unknown>;
}

const synthesised = new Map<string, Promise<SynthesisedRoom>>();

/**
 * The room in a stage: as the run of the cloud tests has synthesised it, else synthesised once a test file, however often
 * it is asked for. Without the code of its functions.
 * @throws Error where cdk-nag or the CDK's template validation finds something.
 */
export function synthesiseRoom(name: string, stage: StageName): Promise<SynthesisedRoom> {
  const key = `${name} ${stage}`;
  const known = synthesised.get(key) ?? synthesise(name, stage);
  synthesised.set(key, known);
  return known;
}

async function synthesise(name: string, stage: StageName): Promise<SynthesisedRoom> {
  const whole = assemblies[stage];
  const built = whole === undefined ? undefined : readBuiltRooms(whole).find((room) => room.name === name);
  if (whole !== undefined && built !== undefined) return read(whole, built.stacks);
  // Loaded late: the CDK takes a second.
  const { createApp } = await import('../app.ts');
  const outdir = mkdtempSync(join(tmpdir(), 'greengrass-itsm-room-'));
  try {
    const { app, stacks } = await createApp({ stage, rooms: [roomCalled(name)], outdir, templatesOnly: true });
    app.synth();
    return read(
      outdir,
      (stacks.get(name) ?? []).map(({ stackName }) => stackName),
    );
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** Assemblies of this run, by stage. What has findings is no assembly. */
const assemblies = z.record(z.string(), z.string()).parse(JSON.parse(process.env[accountVariables.assemblies] ?? '{}'));

function read(assembly: string, stacks: readonly string[]): SynthesisedRoom {
  return {
    nag: stacks.flatMap((stack) => readFindings(assembly, stack)),
    stacks: new Map(stacks.map((stack) => [stack, readResources(assembly, stack)])),
    assets: new Map(stacks.map((stack) => [stack, readAssets(assembly, stack)])),
  };
}

function roomCalled(name: string) {
  const room = rooms.find((one) => one.name === name);
  if (room === undefined) throw new Error(`No room is called ${name}: add its line to cloud/rooms.ts.`);
  return room;
}

/**
 * The conventions of cloud/README.md as tests of one room; its stack.test.ts calls this once, and then tests what is
 * special about the room.
 */
export function describeRoom(
  name: string,
  { rights, wildcards = [] }: { rights: RightsTable; wildcards?: readonly Wildcard[] },
): void {
  const folder = join(import.meta.dirname, '..', name);
  const text = (file: string) => readFileSync(join(folder, file), 'utf8');

  describe(name, () => {
    const built = new Map<StageName, SynthesisedRoom>();
    const inStage = (stage: StageName) =>
      built.get(stage) ?? { nag: ['not synthesised'], stacks: new Map(), assets: new Map() };
    const resources = (stage: StageName) => [...inStage(stage).stacks.values()];

    beforeAll(async () => {
      for (const stage of testedStages) built.set(stage, await synthesiseRoom(name, stage));
    }, 120_000);

    test.each(testedStages)('synth: the templates of stage %s satisfy the schemas of CloudFormation', (stage) => {
      expect(resources(stage).flat()).not.toHaveLength(0);
    });

    test.each(testedStages)('nag: stage %s has no finding without a written reason', (stage) => {
      expect(inStage(stage).nag).toEqual([]);
    });

    test('synth: no action has * or ?, and no resource but those in wildcards.ts, all of which are used', () => {
      expect(wildcardFindings(resources('prod'), wildcards)).toEqual([]);
    });

    test.each(['local', 'prod'] as const)(
      'synth: in stage %s each role may do what rights.ts says, no more, no less',
      (stage) => {
        const declared = Object.entries(rightsIn(rights, stage === 'local' ? 'local' : 'aws'));
        expect(rightsOf(resources(stage))).toEqual(
          Object.fromEntries(declared.map(([role, held]) => [role, sortedRights(held)])),
        );
      },
    );

    test('synth: no function may do what neither its code calls nor Lambda does for it', () => {
      for (const stage of testedStages) expect(resources(stage).flatMap(unusedRights)).toEqual([]);
    });

    test('synth: stateful resources keep the logical ids of stateful.json, and stage prod keeps them', async () => {
      const { pinned, findings } = statefulResources(inStage('prod').stacks);
      await expect(
        `${JSON.stringify(pinned, null, 2)}\n`,
        'A stateful resource under a new logical id is a new, empty one. If that is meant, run vitest with -u.',
      ).toMatchFileSnapshot(join(folder, 'stateful.json'));
      expect(findings).toEqual([]);
    });

    test('synth: what can refuse to be deleted by hand does so in stage prod', () => {
      expect(resources('prod').flatMap(protectionFindings)).toEqual([]);
    });

    test('synth: each alarm watches what may wake a person, tells somebody, and names a heading of the README', () => {
      for (const stage of testedStages) {
        expect(alarmFindings(resources(stage).flat(), { room: name, readme: text('README.md') })).toEqual([]);
      }
    });

    test('synth: each function has its trace, log group, architecture and dead letters', () => {
      expect(resources('prod').flatMap(functionFindings)).toEqual([]);
      expect(resources('prod').flatMap(streamFindings)).toEqual([]);
      for (const stage of testedStages) expect(resources(stage).flatMap(asynchronousFindings)).toEqual([]);
    });

    test('synth: the README says of each failure which test proves what happens', () => {
      const sources = readdirSync(folder)
        .filter((file) => file.endsWith('.test.ts'))
        .map(text);
      expect(failureModeFindings(text('README.md'), sources)).toEqual([]);
    });
  });
}
