import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { renderSite } from '../../cloud/app-bundling/site/render-site.ts';
import { existsBelow, readSources, writeFolder } from '../../cloud/app-bundling/site/site-folder.ts';

/** `npm run site`: the documentation of this checkout as a static site. Exit codes: 0 built, 1 not, 2 wrong use. */
const program = new Command('site')
  .description('Renders all README.md and other Markdown of the checkout to a folder of HTML.')
  .requiredOption('--output <folder>', 'where to; what lies there already stays')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .action(({ output }: { output: string }) => {
    const root = resolve(import.meta.dirname, '../..');
    const style = readFileSync(new URL('../../cloud/app-bundling/site/style.css', import.meta.url), 'utf8');
    try {
      const tell = (sentence: string) => console.error(sentence);
      const sources = readSources(root, { output, tell });
      const site = renderSite({ sources, style, exists: existsBelow(root), tell });
      writeFolder(resolve(output), site);
      console.log(`${site.size} files in ${output}`);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      console.error(error.message);
      process.exitCode = 1;
    }
  });
program.parse();
