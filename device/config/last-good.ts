import { closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { codeOf, messageOf } from '../platform/errors.ts';

/**
 * What a component keeps, in its data directory, of the configurations that its deployments gave: the last one that it
 * ran with, and the latest that it refused. Fields are only ever added, and unknown ones are ignored, so that the
 * release before this one reads it after a roll-back.
 */
const keptConfiguration = z.object({
  version: z.literal(1),
  /** The deployment's own layer, as it was given: what other layers say is theirs to say. */
  lastGood: z
    .object({
      deployment: z.record(z.string(), z.unknown()),
      configVersion: z.string(),
      takenAt: z.iso.datetime(),
    })
    .nullable(),
  refused: z.object({ at: z.iso.datetime(), reason: z.string() }).nullable(),
});

export type KeptConfiguration = z.infer<typeof keptConfiguration>;

export type KeptRead = { ok: true; kept: KeptConfiguration } | { ok: false; flaw: string };

export interface KeptConfigurationFile {
  readonly path: string;
  /** `nothing` where none was kept yet. */
  read(): KeptRead;
  /** Durable once it returns. @throws Error of the file system */
  write(kept: KeptConfiguration): void;
}

export const nothingKept: KeptConfiguration = { version: 1, lastGood: null, refused: null };

/** A deployment's document is far smaller than this, bytes. */
const longestBytes = 1_000_000;

/** `component`: two may share a data directory. */
export function keptConfigurationFile(dataDir: string, component: string): KeptConfigurationFile {
  const path = join(dataDir, `${component}.configuration.json`);
  return {
    path,
    read() {
      try {
        if (statSync(path).size > longestBytes) return { ok: false, flaw: `is larger than ${longestBytes} bytes` };
        const parsed = keptConfiguration.safeParse(JSON.parse(readFileSync(path, 'utf8')));
        return parsed.success
          ? { ok: true, kept: parsed.data }
          : { ok: false, flaw: 'is not what this release writes' };
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return { ok: true, kept: nothingKept };
        return { ok: false, flaw: error instanceof SyntaxError ? 'is no JSON' : messageOf(error) };
      }
    },
    write(kept) {
      // A name that is taken over at once: after a power cut it is the one before, or this one, and whole.
      const file = openSync(`${path}.new`, 'w', 0o600);
      try {
        writeSync(file, `${JSON.stringify(kept, undefined, 2)}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(`${path}.new`, path);
    },
  };
}
