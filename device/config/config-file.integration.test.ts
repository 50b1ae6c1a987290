import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maxFileBytes } from './config-file.ts';
import { loadConfig } from './load.ts';
import { refusal } from './test-refusal.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(content: string | Uint8Array, name = 'site.yaml'): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

describe('the configuration file', () => {
  it('stands between a scenario and the environment', async () => {
    const file = await fileOf('site: cellar\nthresholds:\n  temperature:\n    upper: 32\nsensor:\n  # nothing yet\n');
    const { config, origin } = await loadConfig({
      overlay: { site: 'from scenario', thresholds: { temperature: { upper: 31, onDelayMs: 1 } } },
      file,
      env: { GREENGRASS_ITSM__SITE: 'attic' },
    });
    expect(config.site).toBe('attic');
    expect(config.thresholds['temperature']).toMatchObject({ upper: 32, onDelayMs: 1 });
    expect(origin('thresholds.temperature.upper')).toBe('file');
    expect(origin('thresholds.temperature.onDelayMs')).toBe('scenario');
    expect(origin('site')).toBe('environment');
  });

  it.each([
    ['YAML', 'log:\n  pretty: true\nserviceNow:\n  fields: {u_floor: 3}\n  severity: {low: {impact: 3, urgency: 2}}\n'],
    [
      'JSON',
      '{\n\t"log": {"pretty": true},\n\t"serviceNow": {"fields": {"u_floor": 3}, "severity": {"low": {"impact": 3, "urgency": 2}}}\n}',
    ],
    [
      'YAML with a byte order mark',
      '\uFEFFlog: {pretty: true}\nserviceNow: {fields: {u_floor: 3}, severity: {low: {impact: 3, urgency: 2}}}',
    ],
  ])('is %s, in which numbers may stand for texts', async (_, content) => {
    const { config } = await loadConfig({ file: await fileOf(content, 'site') });
    expect(config.log.pretty).toBe('true');
    expect(config.serviceNow.fields).toMatchObject({ u_floor: '3' });
    expect(config.serviceNow.severity.low).toEqual({ impact: '3', urgency: '2' });
  });

  it.each(['', '# nothing\n', '---\n', 'null'])('may be empty: %j', async (content) => {
    const [empty, none] = [await loadConfig({ file: await fileOf(content) }), await loadConfig()];
    expect(empty.version).toBe(none.version);
  });

  it.each<[string, string | Uint8Array, string]>([
    ['a field of the wrong kind', 'sensor:\n  intervalMs: often\n', 'found "often", expected a whole number from 20'],
    ['an unknown name', 'sensors: {}\n', 'unknown name; did you mean sensor?'],
    [
      'a name given twice',
      'site: a\nsite: b\n',
      'line 2, column 1 is not the YAML or JSON that is read here (duplicate key)',
    ],
    ['broken YAML', 'site: "hunter2', 'line 1, column 15 is not the YAML or JSON'],
    ['broken JSON', '{"site": "hunter2" "b"}', 'line 1, column 20 is not the YAML or JSON'],
    [
      'a tag',
      'site: !!binary aHVudGVyMg==',
      'line 1, column 7 is not the YAML or JSON that is read here (tag resolve failed)',
    ],
    ['an alias', 'site: *hunter2', 'uses an alias (*name); write the value itself in each place'],
    ['a bomb of aliases', bomb(), 'uses an alias (*name); write the value itself in each place'],
    ['a merge key', '<<: {site: a}', 'unknown name'],
    ['two documents', 'site: a\n---\nsite: b\n', '(multiple docs)'],
    ['a list', '- a', 'is not a group of fields such as {"site": "home"}'],
    ['a word', 'hunter2', 'is not a group of fields such as {"site": "home"}'],
    ['a name that reaches a prototype', '__proto__: {site: a}', 'this name is not allowed'],
    ['deep brackets', `site: ${'["]",'.repeat(10_000)}`, 'is nested too deeply to be configuration'],
    ['deep groups', `site: ${'{a: '.repeat(10_000)}`, 'is nested too deeply to be configuration'],
    ['deep lists', `${'- '.repeat(30_000)}a`, 'is nested too deeply to be configuration'],
    ['deep keys', `${'? - '.repeat(10_000)}a`, 'is nested too deeply to be configuration'],
    ['deep indents', stairs(350), 'is nested too deeply to be configuration'],
    ['too much of it', `# ${'x'.repeat(maxFileBytes)}`, 'is larger than 65536 bytes'],
    ['no text', Uint8Array.of(0xff, 0xfe, 0x00), 'is not UTF-8 text'],
  ])('is refused for %s', async (_, content, sentence) => {
    const file = await fileOf(content);
    const message = await refusal({ file });
    expect(message).toContain(`file ${file}`);
    expect(message).toContain(sentence);
    expect(message).not.toContain('hunter2');
  });

  it('is not taken for deep where it is only long', async () => {
    const fields = Array.from({ length: 500 }, (_, index) => `u_${index}: "[[[[ - - - - {"`);
    const text = `serviceNow:\n  fields: {${fields.join(', ')}}\nhandler:\n  devices:\n    - a`;
    const { config } = await loadConfig({ file: await fileOf(text) });
    expect(Object.keys(config.serviceNow.fields)).toHaveLength(502);
  });

  it('has an example that is taken as it stands', async () => {
    const file = fileURLToPath(new URL('example.yaml', import.meta.url));
    const { config, origin } = await loadConfig({ file });
    expect(config).toMatchObject({ serviceNow: { url: 'https://dev00000.service-now.com' }, site: 'greenhouse' });
    expect(origin('thresholds.temperature.tiers')).toBe('file');
  });

  it('must exist and be a file', async () => {
    expect(await refusal({ file: join(folder, 'none.yaml') })).toContain('none.yaml: does not exist; check the path');
    expect(await refusal({ file: folder })).toContain('is not a regular file; give the path of a YAML or JSON file');
  });

  it('has its problems told together with those of other layers', async () => {
    const message = await refusal({ file: join(folder, 'none.yaml'), set: ['colour=red'] });
    expect(message).toContain('2 problems');
  });
});

/** A group in a group in a group …, a line each. */
function stairs(levels: number): string {
  return Array.from({ length: levels }, (_, level) => `${' '.repeat(level)}a:`).join('\n');
}

/** Ten times ten times ten … of one value. */
function bomb(): string {
  const lines = Array.from({ length: 9 }, (_, level) => `a${level + 1}: &a${level + 1} [${`*a${level},`.repeat(10)}]`);
  return ['a0: &a0 x', ...lines].join('\n');
}
