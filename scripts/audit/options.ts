import { Command, InvalidArgumentError } from 'commander';

export interface AuditOptions {
  instance: { dataDir: string } | { url: string; credentialsFile: string };
  readings: { ndjson: string } | { recording: string; columns: Record<string, string> };
  site: string;
  deviceId: string;
  settingsFile: string | undefined;
  toleranceMs: number | undefined;
  /** Undefined: as the settings say. */
  settledUntilMs: number | undefined;
  /** Nobody but the edge has touched the incidents, and it has raised none itself. */
  strict: boolean;
  json: boolean;
}

/** @throws CommanderError for options that cannot be, and after the help. */
export function parseOptions(argv: readonly string[]): AuditOptions {
  const program: Command = new Command('npm run audit --')
    .description('Compares what a sensor measured with what the incidents of a ServiceNow say of it.')
    .option('--data-dir <folder>', 'data folder of npm start: its local ServiceNow, readings and settings')
    .option('--servicenow <url>', 'another instance, read over its Table API')
    .option('--credentials <file>', 'JSON with username and password of a user who may read incidents and their notes')
    .option('--readings <file>', 'what was published: NDJSON, one reading a line (default <data-dir>/readings.ndjson)')
    .option('--recording <file.csv>', 'a recording instead')
    .option('--columns <mapping>', 'columns of the recording: timestamp=…,temperature=…', parsePairs)
    .option('--site <name>', 'site of the recording', 'home')
    .option('--device <name>', 'device of the recording', 'IoT-blog_Core')
    .option(
      '--settings <file>',
      'rules of the run, JSON (default <data-dir>/audit-settings.json, else the default limits)',
    )
    .option('--tolerance <ms>', 'how far told times may be from the truth', parseMs)
    .option('--settled-until <time>', 'ISO instant after which things may still be under way', parseInstant)
    .option('--strict', 'nobody else touched the incidents, and the handler raised none itself')
    .option('--json', 'print what was found as JSON')
    .addHelpText('after', '\nExit codes: 0 nothing wrong, 1 something is wrong, 2 it could not be found out.')
    .exitOverride()
    .parse(argv, { from: 'user' });
  const raw = program.opts<{
    dataDir?: string;
    servicenow?: string;
    credentials?: string;
    readings?: string;
    recording?: string;
    columns?: Record<string, string>;
    site: string;
    device: string;
    settings?: string;
    tolerance?: number;
    settledUntil?: number;
    strict?: true;
    json?: true;
  }>();

  const readings = (): AuditOptions['readings'] => {
    if (raw.recording !== undefined) {
      if (raw.columns === undefined) program.error('error: --recording needs --columns timestamp=…,temperature=…');
      return { recording: raw.recording, columns: raw.columns };
    }
    const ndjson = raw.readings ?? (raw.dataDir === undefined ? undefined : `${raw.dataDir}/readings.ndjson`);
    if (ndjson === undefined) program.error('error: say what was measured: --readings FILE or --recording FILE.');
    return { ndjson };
  };
  const instance = (): AuditOptions['instance'] => {
    if (raw.servicenow !== undefined) {
      if (raw.credentials === undefined) program.error('error: --servicenow needs --credentials FILE.');
      return { url: raw.servicenow, credentialsFile: raw.credentials };
    }
    if (raw.dataDir === undefined) program.error('error: say which instance: --data-dir DIR or --servicenow URL.');
    return { dataDir: raw.dataDir };
  };
  return {
    instance: instance(),
    readings: readings(),
    site: raw.site,
    deviceId: raw.device,
    settingsFile: raw.settings,
    toleranceMs: raw.tolerance,
    settledUntilMs: raw.settledUntil,
    strict: raw.strict === true,
    json: raw.json === true,
  };
}

function parsePairs(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair): [string, string] => {
    const [metric = '', column = ''] = pair.split('=', 2).map((part) => part.trim());
    if (metric === '' || column === '') throw new InvalidArgumentError(`"${pair}" is not metric=column.`);
    return [metric, column];
  });
  return Object.fromEntries(pairs);
}

function parseMs(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError('Give a whole number of milliseconds.');
  return Number(text);
}

function parseInstant(text: string): number {
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs)) throw new InvalidArgumentError('Give an instant such as 2026-01-05T10:11:50Z.');
  return atMs;
}
