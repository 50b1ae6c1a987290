import { join, relative, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { Listr } from 'listr2';
import { components } from '../../cloud/greengrass/recipe.ts';
import { AppError } from '../../device/platform/errors.ts';
import { type BuiltPackage, createPackaging, maxZipBytes, mebibytes } from './build-packages.ts';
import { targets } from './target.ts';

/** `npm run package`: the zips that the recipes name. Exit code 1 with a sentence where one cannot be built. */
const root = join(import.meta.dirname, '../..');
const names = components.map(({ name }) => name);

interface Options {
  component: typeof names;
  arch: string[];
  out: string;
}

const program = new Command('package')
  .description('Builds the zip of each component for each architecture, as its recipe names it.')
  .addOption(new Option('--component <name...>', 'only these').choices(names).default(names, 'both'))
  .addOption(
    new Option('--arch <name...>', 'only these').choices(targets.map(({ name }) => name)).default(
      targets.map(({ name }) => name),
      'both',
    ),
  )
  .option('--out <folder>', 'where artifacts/ and recipes/ are written', join(root, 'dist'))
  .action(run);

async function run(options: Options): Promise<void> {
  const chosen = { components: options.component, targets: targets.filter(({ name }) => options.arch.includes(name)) };
  const packaging = createPackaging({ root, out: resolve(options.out), ...chosen });
  const built: BuiltPackage[] = [];
  const zips = chosen.components.flatMap((component) => chosen.targets.map((target) => ({ component, target })));
  const tasks = new Listr([
    { title: 'Bundle programs, fetch native parts and check their integrity', task: () => packaging.prepare() },
    ...zips.map(({ component, target }) => ({
      title: `${component} for ${target.name}`,
      task: async () => {
        built.push(await packaging.build(component, target));
      },
    })),
    {
      title: 'Recipes',
      task: () => {
        for (const component of chosen.components) packaging.writeRecipe(component);
      },
    },
  ]);
  try {
    await tasks.run();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // The failed task has told its sentence.
    process.exitCode = 1;
    return;
  }
  for (const { file, bytes, sha256 } of built) {
    console.log(`${mebibytes(bytes).padStart(9)}  ${relative(process.cwd(), file)}  sha256 ${sha256}`);
  }
  console.log(`Limit: ${mebibytes(maxZipBytes)} each.`);
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof AppError ? error.message : error);
  process.exitCode = 1;
}
