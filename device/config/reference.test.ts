import { expect, it } from 'vitest';
import { type Field, fieldAt, heldByMap, knownPaths } from './fields.ts';
import { configReference } from './reference.ts';

const reference = configReference();
/** Every field that takes a value, in groups, maps and lists of groups. */
const leaves = knownPaths().filter((path) => {
  const field: Field | undefined = fieldAt(path);
  return field !== undefined && (field.type !== 'object' || heldByMap(field) !== undefined);
});

it('every field has a description, and every duration its unit', () => {
  expect(leaves.length).toBeGreaterThan(120);
  for (const path of leaves) {
    const field = fieldAt(path);
    expect(field?.description, path.join('.')).toMatch(/\S{3}/);
    if (path.at(-1)?.endsWith('Ms')) expect(field?.unit, path.join('.')).toBe('ms');
  }
});

it('every field has a row', () => {
  // The keys of a map that must all be there are one row, under a placeholder.
  const severities = /^serviceNow\.severity\.(low|medium|high|critical)/;
  for (const path of leaves) {
    const shown = path.join('.').replace(severities, 'serviceNow.severity.<severity>');
    expect(reference).toContain(`| \`${shown}\` |`);
  }
  expect(reference).toContain('| `thresholds.<metric>.tiers[].beyond` |');
});

it.each([
  '| `sensor.intervalMs` | ms, 20 ms to 31 d | `5000` (5 s) | Time between readings. | at once | `GREENGRASS_ITSM__SENSOR__INTERVAL_MS` |',
  "| `thresholds.<metric>.upper` | a number (the metric's unit), or off | – | Rule upper: breached by a value above it. | at once | `GREENGRASS_ITSM__THRESHOLDS__<METRIC>__UPPER` |",
  '`{"temperature":{"upper":30,"deadband":0.5},"humidity":{"upper":50,"deadband":2}}`',
  'Folder of all state. | restart | `GREENGRASS_ITSM__STORE__DATA_DIR` |',
  '| `tempLimit` | `thresholds.temperature.upper` | `GREENGRASS_ITSM__TEMP_LIMIT` |',
])('tells value, default, meaning, what a change takes, and variable: %s', (row) => {
  expect(reference).toContain(row);
});

it('has tables of six columns throughout', () => {
  const rows = reference.split('\n').filter((line) => line.startsWith('| `') && line.includes('GREENGRASS'));
  for (const row of rows.filter((line) => !/^\| `(tempLimit|humidLimit|snowUrl)`/.test(line))) {
    expect(row.replaceAll('\\|', '').split('|')).toHaveLength(8);
  }
});
