import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { generatedFiles } from './generated-files.ts';

/** `npm run reference`: writes the configuration reference, the page of messages and their JSON schemas anew. */
for (const [path, content] of generatedFiles()) {
  await writeFile(fileURLToPath(new URL(`../../${path}`, import.meta.url)), content);
  process.stdout.write(`${path}\n`);
}
