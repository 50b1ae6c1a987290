import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { ZipFile } from 'yazl';
import type { ExtractLimits } from './extract.ts';
import { createUnzipCache } from './unzip-cache.ts';

const limits: ExtractLimits = { entries: 20, totalBytes: 10_000 };

interface Raw {
  name: string;
  content: string;
  /** What the directory says of it, where that is another than it is. */
  size?: number;
  crc?: number;
  /** Mode of a file of Unix; of a link 0o120777. */
  mode?: number;
  flags?: number;
}

/** An archive byte by byte, as no honest program writes it. */
function archiveOf(entries: readonly Raw[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const {
    name,
    content,
    size = Buffer.byteLength(content),
    crc = crc32(content),
    mode = 0o100644,
    flags = 0,
  } of entries) {
    const packed = deflateRawSync(content);
    const nameBytes = Buffer.from(name);
    const common = Buffer.alloc(26);
    for (const [at, value] of [
      [0, 20],
      [2, flags],
      [4, 8],
      [22, nameBytes.length],
    ] as const)
      common.writeUInt16LE(value, at);
    for (const [at, value] of [
      [10, crc],
      [14, packed.length],
      [18, size],
    ] as const)
      common.writeUInt32LE(value, at);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, nameBytes, packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(mode * 0x1_0000, 6);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03', 'latin1'), common, tail, nameBytes]));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  for (const at of [4, 6]) end.writeUInt16LE(entries.length, at);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, central, Buffer.from('PK\x05\x06', 'latin1'), end]);
}

async function honestArchive(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content), name);
  zip.end();
  const chunks: Uint8Array[] = [];
  for await (const chunk of zip.outputStream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

describe('an archive in /tmp', () => {
  let folder: string;
  let fetched: number;

  beforeEach(async () => {
    const made = await mkdtemp(join(tmpdir(), 'greengrass-itsm-unzip-'));
    folder = join(made, 'unzipped');
    fetched = 0;
    onTestFinished(() => rm(made, { recursive: true, force: true }));
  });

  const cacheOf = (keptBytes = 300_000) => createUnzipCache({ folder, limits, keptBytes });
  const fetching = (bytes: Uint8Array) => async (path: string) => {
    fetched += 1;
    await writeFile(path, bytes);
  };

  test('is unpacked once while the environment is warm, and again when it is another one', async () => {
    const cache = cacheOf();
    const bytes = await honestArchive({ 'a.txt': 'one', 'sub/b.txt': 'two' });
    const first = await cache.unzip('x.zip', '1', fetching(bytes));
    if (!first.ok) throw new Error(first.detail);
    expect(first).toMatchObject({
      reused: false,
      files: [
        { name: 'a.txt', bytes: 3 },
        { name: 'sub/b.txt', bytes: 3 },
      ],
    });
    expect(await readFile(join(first.folder, 'sub/b.txt'), 'utf8')).toBe('two');
    expect(await cache.unzip('x.zip', '1', fetching(bytes))).toEqual({ ...first, reused: true });
    expect(fetched).toBe(1);
    expect(await cache.unzip('x.zip', '2', fetching(bytes))).toMatchObject({ ok: true, reused: false });
    expect(fetched).toBe(2);
  });

  test('that somebody removed from the disk is unpacked again', async () => {
    const cache = cacheOf();
    const bytes = await honestArchive({ 'a.txt': 'one' });
    const first = await cache.unzip('x.zip', '1', fetching(bytes));
    if (first.ok) await rm(first.folder, { recursive: true });
    expect(await cache.unzip('x.zip', '1', fetching(bytes))).toMatchObject({ ok: true, reused: false });
  });

  test('that was not used for longest goes before another would not fit', async () => {
    const cache = cacheOf(limits.totalBytes + (limits.entries + 4) * 4_096 - 1);
    const bytes = await honestArchive({ 'a.txt': 'x'.repeat(5_000) });
    for (const key of ['1', '2', '1', '3']) await cache.unzip(key, 'v', fetching(bytes));
    expect(await readdir(folder)).toHaveLength(2);
    expect(await cache.unzip('1', 'v', fetching(bytes))).toMatchObject({ reused: true });
    expect(await cache.unzip('2', 'v', fetching(bytes))).toMatchObject({ reused: false, removed: 1 });
    expect(await readdir(folder)).toHaveLength(2);
  });

  test('counts its folders as it counts its files', async () => {
    const cache = cacheOf(limits.totalBytes + (limits.entries + 4) * 4_096 - 1);
    // Three folders and an empty file take as much as two of these may.
    for (const key of ['1', '2']) await cache.unzip(key, 'v', fetching(await honestArchive({ 'a/b/c/d.txt': '' })));
    expect(await cache.unzip('3', 'v', fetching(await honestArchive({ e: '' })))).toMatchObject({
      ok: true,
      removed: 1,
    });
  });

  test('leaves nothing behind when it is refused, nor when it cannot be fetched, nor when its run was ended', async () => {
    const cache = cacheOf();
    await cache.unzip(
      'x',
      '1',
      fetching(
        archiveOf([
          { name: 'ok', content: 'ok' },
          { name: 'twice', content: '', crc: 1 },
        ]),
      ),
    );
    expect(await readdir(folder)).toEqual([]);
    const broken = cache.unzip('x', '1', () => Promise.reject(new Error('connection lost')));
    await expect(broken).rejects.toThrow('connection lost');
    expect(await readdir(folder)).toEqual([]);
    await writeFile(join(folder, '.new-1.zip'), 'half of one');
    const bytes = await honestArchive({ a: 'b' });
    await cacheOf().unzip('y', '1', fetching(bytes));
    expect(await readdir(folder)).toHaveLength(1);
  });

  const outside = '../outside.txt';
  const cases: [string, string, Raw[]][] = [
    ['PATH_OUTSIDE', 'a name that leads out', [{ name: outside, content: 'x' }]],
    ['PATH_OUTSIDE', 'a name that leads out from below', [{ name: 'a/b/../../../outside.txt', content: 'x' }]],
    ['PATH_OUTSIDE', 'an absolute name', [{ name: '/etc/outside.txt', content: 'x' }]],
    ['PATH_OUTSIDE', 'a name of Windows', [{ name: 'C:\\outside.txt', content: 'x' }]],
    ['PATH_OUTSIDE', 'a name with a zero byte', [{ name: 'a\0b', content: 'x' }]],
    ['PATH_OUTSIDE', 'a link', [{ name: 'link', content: '/etc/passwd', mode: 0o120777 }]],
    [
      'NAME_TWICE',
      'the same name twice',
      [
        { name: 'a', content: 'x' },
        { name: 'a', content: 'y' },
      ],
    ],
    [
      'NAME_TWICE',
      'a file that is a folder as well',
      [
        { name: 'a', content: 'x' },
        { name: 'a/b', content: 'y' },
      ],
    ],
    ['TOO_MANY_BYTES', 'a bomb that says so', [{ name: 'a', content: '0'.repeat(20_000) }]],
    ['CORRUPT_ENTRY', 'a bomb that says it is small', [{ name: 'a', content: '0'.repeat(20_000), size: 10 }]],
    [
      'TOO_MANY_BYTES',
      'many that are too large together',
      [1, 2, 3].map((one) => ({ name: `${one}`, content: '0'.repeat(4_000) })),
    ],
    [
      'TOO_MANY_ENTRIES',
      'many that are empty',
      Array.from({ length: 21 }, (_, one) => ({ name: `${one}`, content: '' })),
    ],
    [
      'TOO_MANY_ENTRIES',
      'few files in many folders',
      [1, 2, 3].map((one) => ({ name: `${`${one}/`.repeat(8)}f`, content: '' })),
    ],
    ['TOO_MANY_ENTRIES', 'folders alone', Array.from({ length: 21 }, (_, one) => ({ name: `${one}/`, content: '' }))],
    [
      'TOO_MANY_ENTRIES',
      'the same folder again and again',
      Array.from({ length: 21 }, () => ({ name: 'a/', content: '' })),
    ],
    ['CORRUPT_ENTRY', 'another checksum', [{ name: 'a', content: 'x', crc: 1 }]],
    ['UNREADABLE_ENTRY', 'an encrypted file', [{ name: 'a', content: 'x', flags: 1 }]],
  ];
  test.each(cases)('is refused as %s: %s', async (reason, _what, entries) => {
    expect(await cacheOf().unzip('x', '1', fetching(archiveOf(entries)))).toMatchObject({ ok: false, reason });
    expect(await readdir(folder)).toEqual([]);
    await expect(stat(join(folder, outside))).rejects.toThrow('ENOENT');
  });

  test('whatever bytes come, files are below its folder or it is refused', async () => {
    const good = archiveOf([
      { name: 'a/b', content: 'text '.repeat(50) },
      { name: 'c', content: '' },
    ]);
    const damaged = fc
      .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 })
      .map((changes) => changes.reduce((bytes, [at, value]) => bytes.fill(value, at, at + 1), Buffer.from(good)));
    let version = 0;
    const cache = cacheOf();
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, fc.uint8Array({ maxLength: 100 })), async (bytes) => {
        version += 1;
        const unzipped = await cache.unzip('x', `${version}`, fetching(bytes));
        if (!unzipped.ok) return;
        for (const { name, bytes: size } of unzipped.files) {
          expect((await stat(join(unzipped.folder, name))).size).toBe(size);
        }
      }),
      { numRuns: 100 },
    );
    // Beside the folder there is nothing.
    expect(await readdir(join(folder, '..'))).toEqual(['unzipped']);
  });
});
