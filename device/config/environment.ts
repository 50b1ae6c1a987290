import { type Field, heldByMap, rootField } from './fields.ts';
import type { GivenPart } from './merge.ts';
import { otherNames } from './other-names.ts';
import { type Path, quoted } from './path.ts';
import { valueOfText } from './text-value.ts';

const family = 'GREENGRASS_ITSM_';
const prefix = `${family}_`;

/**
 * Name of the environment variable for a field: `sensor.intervalMs` is `GREENGRASS_ITSM__SENSOR__INTERVAL_MS`. A map's
 * keys are taken in lower case; a key that this cannot spell is given with its whole map, as JSON.
 */
export function environmentName(path: Path): string {
  return `${prefix}${path.map((name) => spelled(String(name))).join('__')}`;
}

function spelled(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
}

/** What the environment says of the configuration: every variable of ours, in the order of their names. */
export function environmentParts(env: Readonly<Record<string, string | undefined>>): GivenPart[] {
  return Object.entries(env)
    .filter(([name]) => name.startsWith(family))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([name, text]): GivenPart[] => {
      if (text === undefined) return [];
      const source = { layer: 'environment', label: `environment variable ${shown(name)}` } as const;
      if (!name.startsWith(prefix)) {
        return [
          {
            source,
            flaw: `names of this program have two underscores between their parts, as ${environmentName(['sensor', 'kind'])}`,
          },
        ];
      }
      const { path, field } = meant(name.slice(prefix.length).split('__'));
      const read = valueOfText(text, field);
      return 'flaw' in read ? [{ source, path, flaw: read.flaw }] : [{ source, path, value: read.value }];
    });
}

/** The path that the parts of a name spell. What the schema does not know stays recognisable, and is refused with it. */
function meant(parts: readonly string[]): { path: string[]; field: Field | undefined } {
  let field: Field | undefined = rootField();
  const path: string[] = [];
  for (const part of parts) {
    const candidates: string[] = Object.keys(field?.properties ?? {});
    if (path.length === 0) candidates.push(...otherNames);
    const name: string = candidates.find((candidate) => spelled(candidate) === part) ?? unknownName(field, part);
    path.push(name);
    field = field?.properties?.[name] ?? (field === undefined ? undefined : heldByMap(field));
  }
  return { path, field };
}

function unknownName(field: Field | undefined, part: string): string {
  const lower = part.toLowerCase();
  if (field !== undefined && heldByMap(field) !== undefined) return lower;
  return lower.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function shown(name: string): string {
  return /^\w{1,200}$/.test(name) ? name : quoted(name);
}
