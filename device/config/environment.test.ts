import { expect, it } from 'vitest';
import { environmentName, environmentParts } from './environment.ts';
import { knownPaths } from './fields.ts';
import { otherNames } from './other-names.ts';

const named = (path: string[]) => path.map((name) => (name.startsWith('<') ? 'u_of_mine' : name));

it('every field has a variable that is read back as this field', () => {
  const paths = [...knownPaths().map(named), ...otherNames.map((name) => [name])];
  expect(paths.length).toBeGreaterThan(150);
  for (const path of paths) {
    const name = environmentName(path);
    expect(name).toMatch(/^GREENGRASS_ITSM(__[A-Z0-9]+(_[A-Z0-9]+)*)+$/);
    expect(environmentParts({ [name]: 'x' })).toMatchObject([{ path }]);
  }
});

it('no two fields share a variable', () => {
  const names = knownPaths().map((path) => environmentName(named(path)));
  expect(new Set(names).size).toBe(names.length);
});

it('variables of other programs are not looked at', () => {
  expect(
    environmentParts({ PATH: '/bin', GREENGRASS: 'x', XGREENGRASS_ITSM__SITE: 'x', GREENGRASS_ITSM__SITE: undefined }),
  ).toEqual([]);
});
