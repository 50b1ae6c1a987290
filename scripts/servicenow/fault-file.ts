import { z } from 'zod';
import { readConfigFile } from '../../device/config/config-file.ts';
import { AppError } from '../../device/platform/errors.ts';
import { type Fault, faultSchema } from '../../device/simulation/servicenow/faults.ts';

/** A scenario: what goes wrong, and the seed by which faults with a probability are decided. */
export interface FaultScenario {
  seed: number | undefined;
  faults: Fault[];
}

const scenarioSchema = z.strictObject({
  seed: z.int().min(0).max(0xffff_ffff).optional(),
  faults: z.array(faultSchema).max(1_000),
});

/**
 * Reads a scenario in YAML or JSON.
 * @throws AppError `faults-unusable` for a file that cannot be read or is no scenario.
 */
export async function readFaultFile(file: string): Promise<FaultScenario> {
  const content = await readConfigFile(file);
  if (!content.ok) throw unusable(`The fault scenario ${file} ${content.flaw}.`);
  const scenario = scenarioSchema.safeParse(content.value);
  if (!scenario.success) {
    throw unusable(
      `The fault scenario ${file} is not one:\n${z.prettifyError(scenario.error)}\n` +
        'Kinds and fields are in device/simulation/servicenow/README.md.',
    );
  }
  return { seed: scenario.data.seed, faults: scenario.data.faults };
}

const unusable = (sentence: string) => new AppError('faults-unusable', sentence);
