import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { components } from '../../cloud/greengrass/recipe.ts';
import { type BuiltPackage, createPackaging, maxZipBytes } from './build-packages.ts';
import { byVersion, elfNeeds } from './elf.ts';
import { targets } from './target.ts';
import { unpack } from './unpack.ts';

const root = join(import.meta.dirname, '../..');
/** Of Debian 12, the oldest system that the README names. */
const oldestGlibc = '2.36';
/** Of glibc and gcc: every Debian has them. */
const systemLibraries = /^(lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+|util|resolv)\.so\.\d+|ld-linux-[\w-]+\.so\.\d+)$/;

const nativeParts = (nodeArch: string) => ({
  'com.iotblog.SensorMonitor': [
    'aws-crt-nodejs.node',
    `node_modules/@koromix/koffi-linux-${nodeArch}/linux_${nodeArch}/koffi.node`,
    `node_modules/@libsql/linux-${nodeArch}-gnu/index.node`,
  ],
  'com.iotblog.AnomalyHandler': [
    'aws-crt-nodejs.node',
    `node_modules/@libsql/linux-${nodeArch}-gnu/index.node`,
    `node_modules/@resvg/resvg-js-linux-${nodeArch}-gnu/resvgjs.linux-${nodeArch}-gnu.node`,
  ],
});

let folder: string;
const own = process.env['TZ'];

async function buildAll(out: string): Promise<BuiltPackage[]> {
  const chosen = components.map(({ name }) => name);
  const packaging = createPackaging({ root, out, components: chosen, targets });
  await packaging.prepare();
  const built: BuiltPackage[] = [];
  for (const component of chosen) {
    for (const target of targets) built.push(await packaging.build(component, target));
  }
  return built;
}

interface Unpacked extends BuiltPackage {
  folder: string;
  paths: string[];
}
const packages: Unpacked[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'package-'));
  for (const one of await buildAll(join(folder, 'first'))) {
    const unpacked = join(folder, one.component, one.target);
    const paths = await unpack(one.file, unpacked);
    packages.push({ ...one, folder: join(unpacked, `${program(one)}-${one.target}`), paths });
  }
}, 300_000);
afterAll(async () => {
  if (own === undefined) delete process.env['TZ'];
  else process.env['TZ'] = own;
  await rm(folder, { recursive: true, force: true });
});

const program = ({ component }: Pick<BuiltPackage, 'component'>) =>
  components.find(({ name }) => name === component)?.program ?? '';

const bill = z.object({
  metadata: z.object({ component: z.object({ name: z.string(), version: z.string() }) }),
  components: z.array(z.object({ group: z.string().optional(), name: z.string(), version: z.string() })),
});

describe('npm run package', () => {
  test('gives the same bytes again, in another time zone', { timeout: 120_000 }, async () => {
    process.env['TZ'] = 'Pacific/Auckland';
    const again = await buildAll(join(folder, 'second'));
    expect(again.map(({ sha256 }) => sha256)).toEqual(packages.map(({ sha256 }) => sha256));
    expect(new Set(again.map(({ sha256 }) => sha256)).size).toBe(4);
  });

  test('keeps every zip within its limit', () => {
    expect(packages.map(({ component, target }) => `${component} ${target}`)).toHaveLength(4);
    for (const { bytes } of packages) expect(bytes).toBeLessThanOrEqual(maxZipBytes);
  });

  test('refuses a larger one and names its biggest files', { timeout: 60_000 }, async () => {
    const [target] = targets;
    const component = 'com.iotblog.SensorMonitor';
    const out = join(folder, 'refused');
    const packaging = createPackaging({
      root,
      out,
      components: [component],
      targets: targets.slice(0, 1),
      limitBytes: 1_000_000,
    });
    await packaging.prepare();
    const refused = target === undefined ? Promise.resolve() : packaging.build(component, target);
    await expect(refused).rejects.toMatchObject({
      reason: 'too-large',
      message: expect.stringMatching(
        /sensor-monitor-arm64\.zip would be \d+\.\d MiB, and 1\.0 MiB is the limit.*\n +\d+\.\d MiB {2}\S*\.node\n/,
      ),
    });
    expect(existsSync(join(out, 'artifacts'))).toBe(false);
  });

  test('holds exactly the native parts that a component loads, for its machine and an old enough glibc', async () => {
    for (const target of targets) {
      for (const { component, paths, folder } of packages.filter((one) => one.target === target.name)) {
        const parts = paths.filter((path) => path.endsWith('.node')).toSorted();
        expect(parts).toEqual(nativeParts(target.nodeArch)[component]);
        for (const part of parts) {
          const needs = elfNeeds(await readFile(join(folder, part)));
          expect({ part, machine: needs.machine }).toEqual({ part, machine: target.machine });
          expect(needs.glibc).toMatch(/^2\.\d+$/);
          expect([needs.glibc ?? '', oldestGlibc].toSorted(byVersion).at(-1)).toBe(oldestGlibc);
          expect(needs.libraries).toContain('libc.so.6');
          expect(needs.libraries.filter((library) => !systemLibraries.test(library))).toEqual([]);
        }
      }
    }
  });

  test('holds what the program reads from disk', () => {
    for (const { component, paths } of packages) {
      expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'THIRD-PARTY-LICENSES', 'install.sh', 'sbom.cdx.json']));
      expect(paths.filter((path) => /\.(ts|map|md)$/.test(path) || path.includes('musl'))).toEqual([]);
      if (component === 'com.iotblog.SensorMonitor') {
        expect(paths).toEqual(expect.arrayContaining(['node-sense-hat/child.mjs', 'doctor.mjs']));
      } else {
        expect(paths.filter((path) => /^built\/console\/(main|style)-\w+\.(js|css)$/.test(path))).toHaveLength(3);
        expect(paths.filter((path) => path.endsWith('.ttf'))).toHaveLength(2);
      }
    }
  });

  test('leaves out what its packages load and nothing here asks for', async () => {
    for (const { paths, folder } of packages) {
      const ours = paths.filter((path) => path.endsWith('.mjs') && !path.includes('/'));
      for (const path of ours) {
        const code = await readFile(join(folder, path), 'utf8');
        expect({
          path,
          has: /application\/vnd\.lotus-1-2-3|Unbekannter Schl/.exec(code)?.[0],
        }).toEqual({ path });
      }
    }
  });

  test('names in its bill of materials what is in it, and gives the licence of each', async () => {
    for (const { component, paths, folder } of packages) {
      const { metadata, components } = bill.parse(JSON.parse(await readFile(join(folder, 'sbom.cdx.json'), 'utf8')));
      expect(metadata.component.name).toBe(component);
      const named = components.map(({ group, name }) => (group === undefined ? name : `${group}/${name}`));
      const whole = paths.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
      expect(named).toEqual(expect.arrayContaining([...new Set(whole), 'pino', 'zod', 'mqtt', 'commander', 'aws-crt']));
      const handlers = ['preact', 'uplot', 'echarts', 'axios', 'dejavu-fonts-ttf'];
      if (component === 'com.iotblog.AnomalyHandler') expect(named).toEqual(expect.arrayContaining(handlers));
      else expect(named).not.toContain('echarts');
      for (const development of ['esbuild', 'tsx', 'vitest', 'aedes', 'listr2', 'aws-cdk-lib']) {
        expect(named).not.toContain(development);
      }
      const licences = await readFile(join(folder, 'THIRD-PARTY-LICENSES'), 'utf8');
      for (const [index, { version }] of components.entries())
        expect(licences).toContain(`${named[index]} ${version} (`);
    }
  });
});
