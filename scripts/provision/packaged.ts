import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownComponents } from '../../cloud/greengrass/definition.ts';
import { arnsOf, type Names, type Place } from '../../cloud/greengrass/names.ts';
import { recipe } from '../../cloud/greengrass/recipe.ts';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import type { PackagedComponent } from './state.ts';

/**
 * The components as `npm run package` left them in `folder`, with their recipes placed in this account. Recipes name the
 * secret by its partial ARN: the deployment names it fully, and so a recipe stays the same when the secret is made anew.
 * @throws AppError `not-packaged`
 */
export function packagedComponents(names: Names, place: Place, folder: string): PackagedComponent[] {
  const places = { bucket: names.bucket, prefix: '', secretArn: arnsOf(names, place).partialSecret };
  return ownComponents.map((name) => {
    const { version, inlineRecipe, artifacts } = recipe(name, places);
    const found = artifacts.map(({ file, key }) => ({
      file: join(folder, file),
      key,
      ...digestOf(join(folder, file)),
    }));
    const content = createHash('sha256').update(inlineRecipe);
    for (const { key, sha256 } of found) content.update(`\n${key} ${sha256}`);
    return { name, version, recipe: inlineRecipe, artifacts: found, content: content.digest('hex') };
  });
}

function digestOf(file: string): { sha256: string } {
  try {
    return { sha256: createHash('sha256').update(readFileSync(file)).digest('base64') };
  } catch (error) {
    throw new AppError('not-packaged', `Cannot read ${file}: ${messageOf(error)}. Build it: npm run package.`, {
      cause: error,
    });
  }
}
