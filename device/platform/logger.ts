import { type Logger, type LoggerOptions as PinoOptions, pino } from 'pino';

export type { Logger } from 'pino';

/** Field names whose values never reach a log line, wherever they stand in the first three levels. */
const secretFields = [
  'password',
  'passwd',
  'secret',
  'secretString',
  'clientSecret',
  'client_secret',
  'token',
  'accessToken',
  'access_token',
  'refresh_token',
  'authorization',
  'Authorization',
  'apiKey',
  'x-sn-apikey',
];

const redactedPaths = secretFields.flatMap((field) => {
  const name = /^\w+$/.test(field) ? field : `["${field}"]`;
  const dotted = name.startsWith('[') ? name : `.${name}`;
  return [name, `*${dotted}`, `*.*${dotted}`];
});

export interface LoggerOptions {
  /** Least level that is written; a function is asked at each line, of children too. */
  level: string | (() => string);
  /** Human-readable lines instead of JSON; for a terminal. */
  pretty?: boolean;
  /** File descriptor or path; default standard output. */
  destination?: number | string;
}

/** The one place where loggers are made, so that redaction holds everywhere. Steady state logs nothing at info. */
export function createLogger(options: LoggerOptions): Logger {
  const { level } = options;
  const settings = {
    ...(typeof level === 'string' ? { level } : { level: 'trace', hooks: { logMethod: writtenFrom(level) } }),
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: redactedPaths, censor: '[redacted]' },
  };
  if (options.pretty === true) {
    return pino({
      ...settings,
      transport: { target: 'pino-pretty', options: { destination: options.destination ?? 1, singleLine: true } },
    });
  }
  return pino(settings, pino.destination({ dest: options.destination ?? 1, sync: true }));
}

/** A child keeps the level that its parent had when it was made, so what may change is asked at each line. */
function writtenFrom(least: () => string): NonNullable<NonNullable<PinoOptions['hooks']>['logMethod']> {
  return function writeIfWanted(values, method, level) {
    if (level >= (pino.levels.values[least()] ?? Number.POSITIVE_INFINITY)) method.apply(this, values);
  };
}

export const silentLogger: Logger = pino({ level: 'silent' });
