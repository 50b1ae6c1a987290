import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { create, list } from 'tar';
import { z } from 'zod';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import { files } from './identity.ts';

const factsFile = 'greengrass.json';
const mostBundleBytes = 256 * 1024;
const mostEntryBytes = 64 * 1024;

const hostName = z.string().regex(/^[A-Za-z0-9.-]{1,253}(:\d{1,5})?$/);
const name = z.string().regex(/^[A-Za-z0-9:_+=,.@-]{1,128}$/);

/** What a device is told about its place in the cloud; nothing of it is secret. */
export const bundleFacts = z.object({
  format: z.literal(1),
  thing: name,
  region: z.string().regex(/^[a-z0-9-]{1,32}$/),
  roleAlias: name,
  dataEndpoint: hostName,
  credentialsEndpoint: hostName,
});

export type BundleFacts = z.infer<typeof bundleFacts>;

/** From workstation to Pi: certificate, Amazon's root authority, and where to connect. No key. */
export interface Bundle {
  certificate: string;
  rootCa: string;
  facts: BundleFacts;
}

/** @throws AppError `unwritable` */
export async function writeBundle(file: string, { certificate, rootCa, facts }: Bundle): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
  const content = {
    [files.certificate]: certificate,
    [files.rootCa]: rootCa,
    [factsFile]: JSON.stringify(facts, null, 2),
  };
  try {
    for (const [entry, text] of Object.entries(content)) writeFileSync(join(folder, entry), `${text.trimEnd()}\n`);
    const packed = `${resolve(file)}.${process.pid}.tmp`;
    // The same bundle is the same file.
    const options = { gzip: true, file: packed, cwd: folder, portable: true, mtime: new Date(0) };
    await create(options, Object.keys(content));
    renameSync(packed, file);
  } catch (error) {
    throw new AppError('unwritable', `Cannot write ${file}: ${messageOf(error)}. Name another file with --bundle.`, {
      cause: error,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws AppError `bad-bundle` */
export async function readBundle(file: string): Promise<Bundle> {
  const bad = (why: string, cause?: unknown) =>
    new AppError('bad-bundle', `${file} is no bundle: ${why}. Bring the one that create wrote.`, { cause });
  const entries = new Map<string, string>();
  try {
    const { size } = statSync(file);
    if (size > mostBundleBytes) throw bad(`it has ${size} bytes, a bundle at most ${mostBundleBytes}`);
    let refused: AppError | undefined;
    await list({
      file,
      strict: true,
      onReadEntry: (entry) => {
        if (entry.size > mostEntryBytes || entry.type !== 'File' || entries.size > 8) {
          refused = bad(`${entry.path} does not belong there`);
          entry.resume();
          return;
        }
        const parts: Buffer[] = [];
        entry.on('data', (part) => parts.push(part));
        entry.on('end', () => entries.set(entry.path, Buffer.concat(parts).toString('utf8')));
      },
    });
    if (refused !== undefined) throw refused;
  } catch (error) {
    throw error instanceof AppError ? error : bad(messageOf(error), error);
  }
  const of = (entry: string) => {
    const text = entries.get(entry);
    if (text === undefined) throw bad(`it lacks ${entry}`);
    return text;
  };
  const facts = bundleFacts.safeParse(parseJson(of(factsFile)));
  if (!facts.success) throw bad(`${factsFile} says something that cannot be: ${facts.error.issues[0]?.path.join('.')}`);
  return { certificate: of(files.certificate), rootCa: of(files.rootCa), facts: facts.data };
}

/** Where a bundle is put unless told: `IoT-blog_Core.bundle.tar.gz`. */
export function bundleName(thing: string): string {
  return `${thing.replaceAll(/[^A-Za-z0-9_.-]/g, '_')}.bundle.tar.gz`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
