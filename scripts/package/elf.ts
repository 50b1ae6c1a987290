/** What a native part needs of the machine that loads it. */
export interface ElfNeeds {
  machine: 'AArch64' | 'x86-64' | 'other';
  /** The newest version of glibc that it asks for (`2.28`); undefined where it asks for none. */
  glibc: string | undefined;
  /** Shared libraries that the dynamic linker must find, e.g. `libc.so.6`. */
  libraries: string[];
}

const machines: Readonly<Record<number, ElfNeeds['machine']>> = { 62: 'x86-64', 183: 'AArch64' };
const sectionTypes = { dynamic: 6, versionNeeds: 0x6ffffffe };
const dynamicNeeded = 1n;

interface Section {
  type: number;
  offset: number;
  size: number;
  /** Index of the section that holds its strings. */
  link: number;
}

/**
 * Reads machine, libraries and glibc from a 64-bit little-endian ELF file.
 * Source: System V ABI, "Object Files"; Linux Standard Base, "Symbol Versioning" (SHT_GNU_verneed).
 * @throws RangeError for what is no such file, or is cut off
 */
export function elfNeeds(file: Uint8Array): ElfNeeds {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1) {
    throw new RangeError('not a 64-bit little-endian ELF file');
  }
  const sections = readSections(bytes);
  const textAt = (link: number, offset: number): string => {
    const start = (sections[link]?.offset ?? Number.NaN) + offset;
    return bytes.toString('latin1', start, bytes.indexOf(0, start));
  };

  const libraries: string[] = [];
  const versions: string[] = [];
  for (const { type, offset, size, link } of sections) {
    if (type === sectionTypes.dynamic) {
      for (let at = offset; at < offset + size; at += 16) {
        if (bytes.readBigUInt64LE(at) === dynamicNeeded) {
          libraries.push(textAt(link, Number(bytes.readBigUInt64LE(at + 8))));
        }
      }
    }
    if (type === sectionTypes.versionNeeds) versions.push(...readVersions(bytes, offset, (at) => textAt(link, at)));
  }
  const glibcs = versions.flatMap((version) => /^GLIBC_(\d+(?:\.\d+)+)$/.exec(version)?.[1] ?? []);
  return {
    machine: machines[bytes.readUInt16LE(18)] ?? 'other',
    glibc: glibcs.toSorted(byVersion).at(-1),
    libraries: libraries.toSorted(),
  };
}

function readSections(bytes: Buffer): Section[] {
  const table = Number(bytes.readBigUInt64LE(40));
  const entrySize = bytes.readUInt16LE(58);
  const count = bytes.readUInt16LE(60);
  return Array.from({ length: count }, (_, index) => {
    const at = table + index * entrySize;
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      size: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40),
    };
  });
}

/** The list of libraries, each with a list of the versions that are needed of it; both are linked by distances. */
function readVersions(bytes: Buffer, offset: number, textAt: (offset: number) => string): string[] {
  const versions: string[] = [];
  for (let library = offset; ; ) {
    const count = bytes.readUInt16LE(library + 2);
    let version = library + bytes.readUInt32LE(library + 8);
    for (let index = 0; index < count; index += 1) {
      versions.push(textAt(bytes.readUInt32LE(version + 8)));
      version += bytes.readUInt32LE(version + 12);
    }
    const next = bytes.readUInt32LE(library + 12);
    if (next === 0) return versions;
    library += next;
  }
}

/** Orders `2.4` before `2.17`. */
export function byVersion(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}
