import { environmentName } from './environment.ts';
import { expectation, type Field, heldByMap, isLive, placeholder, rootField } from './fields.ts';
import { otherNames, standsFor } from './other-names.ts';
import { formatPath } from './path.ts';
import { configSchema } from './schema.ts';
import { isTree, plainTree, type Tree, type Value, valueAt } from './tree.ts';

/** Text of device/config/REFERENCE.md: every field of the schema, for operators. */
export function configReference(): string {
  const { tree: defaults } = plainTree(configSchema.parse({}));
  return `${[introduction(), ...sections(defaults)].join('\n\n')}\n`;
}

function introduction(): string {
  return `# Configuration reference

<!-- Generated from schema.ts by \`npm run reference\`; edit the descriptions there. -->

Every field has a default, so an empty configuration runs. [example.yaml](example.yaml) is a file to begin with.

## How values are given

Each layer wins over those before it:

| | Layer | How |
|---|---|---|
| 1 | defaults | the tables below |
| 2 | scenario | what a scenario of \`npm start\` brings |
| 3 | file | \`--config FILE\`, YAML or JSON |
| 4 | environment | \`${environmentName(['sensor', 'kind'])}=mock\` |
| 5 | deployment | the configuration of a Greengrass component |
| 6 | \`--set\` | \`--set sensor.kind=mock\`, repeatable; a later one wins |

- Groups and maps merge field by field. A list is replaced as a whole.
- Nothing is guessed: an unknown name or a wrong value in any layer ends the start with a sentence that names the field, who gave it,
  what was found and what is expected. \`"30"\` is taken as a number, since deployments carry texts; \`"30x"\`, \`""\` and \`"NaN"\` are not.
- \`null\`, or a YAML key with nothing behind it, says nothing: the layer below counts. \`off\` takes away a limit or a rule that a
  layer below gave: \`thresholds.humidity.upper: off\`.
- **\`--set PATH=VALUE\`** takes any field. Names that hold a dot or a bracket are quoted: \`--set 'thresholds["Tank 1.a"].upper=30'\`.
  A list is JSON, or items with commas between them: \`--set handler.devices=north,south\`. A group is JSON.
- **Environment variables** have two underscores between the names and one between the words of a name:
  \`sensor.intervalMs\` is \`${environmentName(['sensor', 'intervalMs'])}\`. Keys of a map are read in lower case; a key with capitals,
  spaces or two underscores is given with its whole map, as JSON: \`${environmentName(['thresholds'])}='{"Tank 1":{"upper":30}}'\`.
- Times are milliseconds, fields that end in \`Ms\`. A thing in angle brackets, such as \`<metric>\`, stands for a name of your own.
- A deployment may change the configuration of what runs. **Change** says how: \`at once\` at the next reading, message or timer;
  \`restart\` by starting the component anew in its process, which takes less than a second and keeps all that is on disk.
- The file is YAML 1.2 without tags and aliases, at most 64 KiB. No field takes a secret: credentials are where \`secrets\` says.

## Other names

Deployments of the first version of this pipeline may go on with their names. Each counts in its own layer as what it stands for; both names
with different values in one layer is an error.

| Name | Stands for | Environment variable |
|---|---|---|
${otherNames.map((name) => `| \`${name}\` | ${meaningOf(name)} | \`${environmentName([name])}\` |`).join('\n')}

\`accessControl\`, which the Greengrass nucleus reads, is ignored.`;
}

function meaningOf(name: (typeof otherNames)[number]): string {
  const field = `\`${formatPath(standsFor[name])}\``;
  return name === 'snowUrl'
    ? `${field} and \`serviceNow.table\`: \`https://dev1.service-now.com/api/now/table/incident\`, or the base URL alone`
    : field;
}

/** The fields that are in no group first, then a section for each group and for each group in it. */
function sections(defaults: Tree): string[] {
  const fields = Object.entries(rootField().properties ?? {});
  const loose = fields.filter(([, field]) => field.type !== 'object');
  return [
    `## General\n\n${table(loose.flatMap(([name, field]) => rows([name], field, defaults)))}`,
    ...fields
      .filter(([, field]) => field.type === 'object')
      .flatMap(([name, field]) => section([name], field, defaults)),
  ];
}

function section(path: string[], field: Field, defaults: Tree): string[] {
  const title = `${'#'.repeat(path.length + 1)} ${path.join('.')}\n\n${cell(field.description ?? '')}`;
  // A map has one table for all that stands under its keys.
  if (heldByMap(field) !== undefined) return [`${title}\n\n${table(rows(path, field, defaults))}`];
  const children = Object.entries(field.properties ?? {}).map(([name, child]) => ({ path: [...path, name], child }));
  const isGroup = ({ child }: { child: Field }) => child.type === 'object' && heldByMap(child) === undefined;
  const own = children.filter((one) => !isGroup(one)).flatMap((one) => rows(one.path, one.child, defaults));
  return [
    own.length === 0 ? title : `${title}\n\n${table(own)}`,
    ...children.filter(isGroup).flatMap((one) => section(one.path, one.child, defaults)),
  ];
}

interface Row {
  path: string[];
  field: Field;
  initial: string;
  /** What a change of the field takes. */
  change: 'at once' | 'restart';
  /** Items of a list have no variable of their own: the list is given as a whole. */
  variable: string | undefined;
}

/** A row for every field below `path`, and one for each map and list on the way. */
function rows(path: string[], field: Field, defaults: Value | undefined, inList = false): Row[] {
  const variable = inList ? undefined : environmentName(path);
  const change = isLive(path) ? 'at once' : 'restart';
  const row: Row = { path, field, initial: initialOf(field, valueAt(defaults, path)), change, variable };
  const held = heldByMap(field);
  if (held !== undefined) return [row, ...rows([...path, placeholder(field)], held, undefined, inList)];
  if (field.items?.type === 'object') {
    return [row, ...rows([...path.slice(0, -1), `${path.at(-1)}[]`], field.items, undefined, true)];
  }
  if (field.type !== 'object') return [row];
  const children = Object.entries(field.properties ?? {}).flatMap(([name, child]) => {
    return rows([...path, name], child, defaults, inList);
  });
  // A group that may be absent needs a line of its own to say so.
  return field.off === true ? [row, ...children] : children;
}

function table(lines: Row[]): string {
  const body = lines.map(({ path, field, initial, change, variable }) => {
    const shown = variable === undefined ? '' : `\`${variable}\``;
    return `| \`${path.join('.')}\` | ${cell(kindOf(field))} | ${initial} | ${cell(field.description ?? '')} | ${change} | ${shown} |`;
  });
  return [
    '| Field | Value | Default | Meaning | Change | Environment variable |',
    '|---|---|---|---|---|---|',
    ...body,
  ].join('\n');
}

function kindOf(field: Field): string {
  if (field.unit !== 'ms' || field.minimum === undefined || field.maximum === undefined) return expectation(field);
  return `ms, ${duration(field.minimum)} to ${duration(field.maximum)}`;
}

function initialOf(field: Field, value: Value | undefined): string {
  const held = heldByMap(field);
  const given = value ?? plainTree({ default: field.default }).tree['default'];
  if (given === undefined || given === '') return '–';
  if (held !== undefined && isTree(given)) return `\`${JSON.stringify(withoutDefaults(given, held))}\``;
  if (field.unit === 'ms' && typeof given === 'number' && given >= 1_000) return `\`${given}\` (${duration(given)})`;
  return `\`${typeof given === 'string' ? given : JSON.stringify(given)}\``;
}

/** The entries of a map, without what each has by default anyway. */
function withoutDefaults(map: Tree, held: Field): Tree {
  return Object.fromEntries(
    Object.entries(map).map(([key, entry]): [string, Value] => {
      if (!isTree(entry)) return [key, entry];
      const own = Object.entries(entry).filter(([name, value]) => {
        return JSON.stringify(value) !== JSON.stringify(held.properties?.[name]?.default);
      });
      return [key, Object.fromEntries(own)];
    }),
  );
}

const durationUnits = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'min', ms: 60_000 },
  { unit: 's', ms: 1_000 },
];

/** In the largest unit that leaves no rest. */
function duration(ms: number): string {
  const whole = durationUnits.find((one) => ms >= one.ms && ms % one.ms === 0);
  return whole === undefined ? `${ms} ms` : `${ms / whole.ms} ${whole.unit}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
