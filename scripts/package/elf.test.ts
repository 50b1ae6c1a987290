import { describe, expect, test } from 'vitest';
import { byVersion, elfNeeds } from './elf.ts';

/** A file of one section of version needs: libc wants GLIBC_2.4 and GLIBC_2.17, libm GLIBC_2.9; and one of libraries. */
function elf({ machine = 183 } = {}): Uint8Array {
  const bytes = Buffer.alloc(1_024);
  bytes.write('\u007fELF', 'latin1');
  bytes.set([2, 1], 4);
  bytes.writeUInt16LE(machine, 18);
  bytes.writeBigUInt64LE(512n, 40);
  bytes.writeUInt16LE(64, 58);
  bytes.writeUInt16LE(3, 60);
  const strings = ['', 'libc.so.6', 'GLIBC_2.4', 'GLIBC_2.17', 'libm.so.6', 'GLIBC_2.9', 'GLIBC_PRIVATE'];
  const nameAt = new Map<string, number>();
  let end = 0;
  for (const text of strings) {
    nameAt.set(text, end);
    bytes.write(`${text}\0`, 64 + end, 'latin1');
    end += text.length + 1;
  }
  const at = (text: string) => nameAt.get(text) ?? 0;

  const needs = 256;
  const library = (offset: number, versions: readonly string[], next: number) => {
    bytes.writeUInt16LE(versions.length, offset + 2);
    bytes.writeUInt32LE(16, offset + 8);
    bytes.writeUInt32LE(next, offset + 12);
    for (const [index, version] of versions.entries()) {
      bytes.writeUInt32LE(at(version), offset + 16 + index * 16 + 8);
      bytes.writeUInt32LE(16, offset + 16 + index * 16 + 12);
    }
  };
  library(needs, ['GLIBC_2.4', 'GLIBC_2.17', 'GLIBC_PRIVATE'], 64);
  library(needs + 64, ['GLIBC_2.9'], 0);

  const dynamic = 400;
  for (const [index, text] of ['libm.so.6', 'libc.so.6'].entries()) {
    bytes.writeBigUInt64LE(1n, dynamic + index * 16);
    bytes.writeBigUInt64LE(BigInt(at(text)), dynamic + index * 16 + 8);
  }

  const section = (index: number, type: number, offset: number, size: number) => {
    bytes.writeUInt32LE(type, 512 + index * 64 + 4);
    bytes.writeBigUInt64LE(BigInt(offset), 512 + index * 64 + 24);
    bytes.writeBigUInt64LE(BigInt(size), 512 + index * 64 + 32);
    bytes.writeUInt32LE(2, 512 + index * 64 + 40);
  };
  section(0, 0x6ffffffe, needs, 128);
  section(1, 6, dynamic, 48);
  section(2, 3, 64, end);
  return bytes;
}

describe('elfNeeds', () => {
  test('tells machine, libraries and the newest glibc', () => {
    expect(elfNeeds(elf())).toEqual({ machine: 'AArch64', glibc: '2.17', libraries: ['libc.so.6', 'libm.so.6'] });
    expect(elfNeeds(elf({ machine: 62 })).machine).toBe('x86-64');
    expect(elfNeeds(elf({ machine: 40 })).machine).toBe('other');
  });

  test.each([
    ['is something else', Buffer.alloc(100)],
    ['is of 32 bits', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 1, 1, ...Buffer.alloc(100)])],
    ['is shorter than its header', elf().subarray(0, 40)],
    ['ends within its sections', elf().subarray(0, 600)],
  ])('refuses a file that %s', (_what, file) => {
    expect(() => elfNeeds(file)).toThrow(RangeError);
  });
});

test('versions are ordered by their numbers', () => {
  expect(['2.17', '2.4', '2.36', '2.9'].toSorted(byVersion)).toEqual(['2.4', '2.9', '2.17', '2.36']);
});
