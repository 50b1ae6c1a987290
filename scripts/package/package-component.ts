import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../device/platform/errors.ts';
import { type Bundle, holds } from './bundle.ts';
import { byVersion, elfNeeds } from './elf.ts';
import { installScript } from './install-script.ts';
import { type Licensed, thirdPartyLicences } from './licences.ts';
import type { LockedPackage, LockFile } from './lock-file.ts';
import { type Product, sbom } from './sbom.ts';
import { type PackageFiles, readTarball } from './tarball.ts';
import type { Target } from './target.ts';
import type { Files } from './zip.ts';

export interface PackagingContext {
  root: string;
  lock: LockFile;
  /** Folder of the fetched tarballs. */
  tarballs: string;
  /** Least version of Node.js: `20.19`. */
  nodeLeast: string;
}

/** Fonts that the chart reads by their path, so that no bundle shows that it needs them. */
const fonts = 'dejavu-fonts-ttf';
const fontFiles = ['ttf/DejaVuSans.ttf', 'ttf/DejaVuSans-Bold.ttf'];
/** A native part for every platform in one package, whose other code is bundled. */
const crt = 'aws-crt';
const crtBinary = 'aws-crt-nodejs.node';

const licenceFile = /^(licen[cs]e|copying|notice)/i;
const runtimeFile = /\.([cm]?js|node)$|^package\.json$/;
/** Of another C library, or for building from source. */
const unneededFile = /musl|^(vendor|doc)\/|^cnoke\.cjs$/;

/** The packages that are taken whole, or in part, from tarballs for a bundle on a kind of machine. */
export function fetchedPackages(lock: LockFile, bundle: Bundle, target: Target): LockedPackage[] {
  const whole = bundle.outside.flatMap((name) => lock.closure(name, target));
  return [
    ...whole,
    ...(bundle.outside.includes('@resvg/resvg-js') ? [lock.at(`node_modules/${fonts}`)] : []),
    ...(holds(bundle, crt) ? [lock.at(`node_modules/${crt}`)] : []),
  ];
}

/**
 * All files of a component's zip for one kind of machine: program, native parts, what it reads from disk, install step,
 * licences, bill of materials.
 * @throws AppError `tampered`, `no-licence`, `wrong-machine`
 */
export async function packageComponent(
  { root, lock, tarballs, nodeLeast }: PackagingContext,
  { product, parts, assets, target }: { product: Product; parts: readonly Bundle[]; assets: Files; target: Target },
): Promise<Files> {
  const files = new Map<string, Uint8Array>(assets);
  for (const part of parts) for (const [path, bytes] of part.files) files.set(path, bytes);

  const licensed: Licensed[] = [];
  const packages = new Map<string, LockedPackage>();
  for (const place of parts.flatMap(({ inside }) => inside)) {
    const locked = lock.at(place);
    if (!packages.has(place)) licensed.push(licensedFrom(locked, readInstalled(join(root, place))));
    packages.set(place, locked);
  }
  const fetched = parts.flatMap((part) => fetchedPackages(lock, part, target));
  for (const locked of fetched) {
    const content = await readTarball(locked, tarballs, (path) => isShipped(locked, path, target) || isLegal(path));
    for (const [path, bytes] of content) {
      if (isShipped(locked, path, target)) files.set(placeOf(locked, path), bytes);
    }
    if (packages.has(locked.place)) continue;
    packages.set(locked.place, locked);
    const own = licensedFrom(locked, content);
    const parent = licensed.find(({ name }) => name === locked.platformOf);
    licensed.push(own.texts.length > 0 || parent === undefined ? own : { ...own, texts: parent.texts });
  }

  const text = (content: string) => Buffer.from(content);
  files.set('install.sh', text(installScript({ product, target, nodeLeast, glibcLeast: glibcLeast(files, target) })));
  files.set('LICENSE', readFileSync(join(root, 'LICENSE')));
  files.set('THIRD-PARTY-LICENSES', text(thirdPartyLicences(licensed)));
  files.set('sbom.cdx.json', text(sbom(product, [...packages.values()])));
  return files;
}

/** The newest glibc that a native part asks for. */
function glibcLeast(files: Files, { name, machine }: Target): string {
  const versions: string[] = [];
  for (const [path, bytes] of files) {
    if (!path.endsWith('.node')) continue;
    const needs = elfNeeds(bytes);
    if (needs.machine !== machine) {
      throw new AppError('wrong-machine', `${path} is for ${needs.machine}, and the package for ${name}.`);
    }
    if (needs.glibc !== undefined) versions.push(needs.glibc);
  }
  return versions.toSorted(byVersion).at(-1) ?? '2.17';
}

function isShipped({ name }: LockedPackage, path: string, { nodeArch }: Target): boolean {
  if (name === fonts) return fontFiles.includes(path) || path === 'package.json';
  if (name === crt) return path === `dist/bin/linux-${nodeArch}-glibc/${crtBinary}`;
  return runtimeFile.test(path) && !unneededFile.test(path);
}

function placeOf({ name, place }: LockedPackage, path: string): string {
  return name === crt ? crtBinary : `${place}/${path}`;
}

function isLegal(path: string): boolean {
  return !path.includes('/') && (licenceFile.test(path) || /^readme/i.test(path));
}

/** The files of an installed package that say what its licence is. */
function readInstalled(folder: string): PackageFiles {
  const names = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  const legal = names.filter((entry) => entry.isFile() && isLegal(entry.name));
  return new Map(legal.map(({ name }) => [name, readFileSync(join(folder, name))]));
}

function licensedFrom({ name, version, license }: LockedPackage, content: PackageFiles): Licensed {
  const texts = [...content].filter(([path]) => isLegal(path)).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const read = (chosen: typeof texts) => chosen.map(([, bytes]) => Buffer.from(bytes).toString());
  return {
    ...{ name, version, license },
    texts: read(texts.filter(([path]) => licenceFile.test(path))),
    readme: read(texts.filter(([path]) => !licenceFile.test(path)))[0],
  };
}
