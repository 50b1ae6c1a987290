import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ownComponents } from '../../cloud/greengrass/definition.ts';
import type { Names, Place } from '../../cloud/greengrass/names.ts';
import { recipe } from '../../cloud/greengrass/recipe.ts';
import { makeIdentity } from './identity.ts';
import { packagedComponents } from './packaged.ts';
import type { Desired } from './state.ts';

export const snowUrl = 'https://dev1.service-now.com/api/now/table/incident';

/** Zips that have the right names, and what they hold does not matter. */
export function writePackages(dist: string, content = 'a zip'): void {
  for (const name of ownComponents) {
    for (const { file } of recipe(name, { bucket: 'b', prefix: '', secretArn: 's' }).artifacts) {
      mkdirSync(dirname(join(dist, file)), { recursive: true });
      writeFileSync(join(dist, file), `${content}: ${file}`);
    }
  }
}

/** A device with its key in `folder`, and what is desired for it. */
export async function desiredFor(folder: string, place: Place, names: Names): Promise<Desired> {
  const { csrFile, keyId } = await makeIdentity(join(folder, 'certs'), names.thing, { force: false });
  const dist = join(folder, 'dist');
  writePackages(dist);
  return {
    names,
    place,
    csr: readFileSync(csrFile, 'utf8'),
    keyId,
    settings: { snowUrl },
    components: packagedComponents(names, place, dist),
    updateSecret: false,
    retireOldKeys: false,
  };
}
