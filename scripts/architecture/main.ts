import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { z } from 'zod';

/** Fewer modules than this means that the tool did not see the code, and a check that sees nothing passes. */
const leastModules = 100;

const report = z.object({
  modules: z.array(z.object({ source: z.string() })),
  summary: z.object({
    violations: z.array(z.object({ from: z.string(), to: z.string(), rule: z.object({ name: z.string() }) })),
  }),
});

const folders = ['device', 'cloud', 'scripts'].filter((folder) => existsSync(folder));
const args = [...folders, '--config', '.dependency-cruiser.mjs', '--output-type', 'json'];
const cruise = spawnSync('depcruise', args, { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 });
if (cruise.error !== undefined || cruise.stdout === '') {
  console.error(`dependency-cruiser did not run: ${cruise.error?.message ?? cruise.stderr}`);
  process.exit(1);
}

const { modules, summary } = report.parse(JSON.parse(cruise.stdout));
const { violations } = summary;
const seen = modules.filter(({ source }) => folders.some((folder) => source.startsWith(`${folder}/`))).length;
for (const { from, to, rule } of violations) console.error(`${rule.name}: ${from} -> ${to}`);
if (violations.length > 0)
  console.error('What each folder may import stands in .dependency-cruiser.mjs and device/README.md.');
if (seen <= leastModules) console.error(`Only ${seen} modules were seen, more than ${leastModules} are there.`);
console.log(`${seen} modules, ${violations.length} imports that the architecture forbids`);
process.exitCode = violations.length === 0 && seen > leastModules ? 0 : 1;
