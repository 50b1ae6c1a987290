import { type Logger, pino } from 'pino';

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
  level: string;
  /** Human-readable lines instead of JSON; for a terminal. */
  pretty?: boolean;
  /** File descriptor or path; default standard output. */
  destination?: number | string;
}

/** The one place where loggers are made, so that redaction holds everywhere. Steady state logs nothing at info. */
export function createLogger(options: LoggerOptions): Logger {
  const settings = {
    level: options.level,
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

export const silentLogger: Logger = pino({ level: 'silent' });
