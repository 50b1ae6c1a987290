import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { z } from 'zod';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import { createLogger } from '../../device/platform/logger.ts';
import { startServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';
import { audit, strictPolicy } from './audit.ts';
import { type InstanceRecords, readInstance } from './instance.ts';
import { type AuditOptions, parseOptions } from './options.ts';
import { readingsOfNdjson, readingsOfRecording } from './readings.ts';
import { report } from './report.ts';
import { type AuditSettings, defaultSettings, readSettings } from './settings.ts';
import { breachesIn } from './truth.ts';

/** `npm run audit`. Exit codes: 0 nothing wrong, 1 something is wrong, 2 it could not be found out. */
try {
  const options = parseOptions(process.argv.slice(2));
  process.exitCode = await run(options);
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof AppError) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  } else throw error;
}

async function run(options: AuditOptions): Promise<0 | 1> {
  const settings = settingsFor(options);
  const readings =
    'ndjson' in options.readings
      ? readingsOfNdjson(options.readings.ndjson)
      : readingsOfRecording({
          file: options.readings.recording,
          columns: options.readings.columns,
          site: options.site,
          deviceId: options.deviceId,
        });
  const breaches = breachesIn(readings, settings.rules, { timerSlackMs: settings.timerSlackMs });
  const records =
    'dataDir' in options.instance ? await readLocal(options.instance.dataDir) : await readRemote(options.instance);
  const result = audit({
    breaches,
    ...records,
    policy: {
      ...strictPolicy,
      toleranceMs: options.toleranceMs ?? settings.toleranceMs,
      quietMs: settings.quietMs,
      onRecovery: settings.onRecovery,
      sinceMs: settings.sinceMs ?? strictPolicy.sinceMs,
      settledUntilMs: options.settledUntilMs ?? settings.settledUntilMs ?? strictPolicy.settledUntilMs,
      people: !options.strict,
      handlerRules: options.strict ? [] : ['device-silent', 'broker-silent', 'storm'],
    },
  });
  const { sinceMs } = settings;
  const since =
    sinceMs === undefined ? '' : `Judged since ${new Date(sinceMs).toISOString()}: then the readings began anew.\n`;
  process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : `${since}${report(result)}\n`);
  return result.ok ? 0 : 1;
}

function settingsFor({ settingsFile, instance }: AuditOptions): AuditSettings {
  if (settingsFile !== undefined) return readSettings(settingsFile);
  const left = 'dataDir' in instance ? join(instance.dataDir, 'audit-settings.json') : undefined;
  return left !== undefined && existsSync(left) ? readSettings(left) : defaultSettings;
}

/** The local instance is started on its data for the time of the audit, and read like any other. */
async function readLocal(dataDir: string): Promise<InstanceRecords> {
  const folder = join(dataDir, 'servicenow');
  if (!existsSync(join(folder, 'servicenow.db'))) {
    throw new AppError('no-instance', `${folder} holds no local ServiceNow. Give the --data-dir of an npm start.`);
  }
  const logger = createLogger({ level: 'warn', destination: 2 });
  const local = await startServiceNow({ port: 0, dataDir: folder, logger });
  try {
    const { username, password } = local.credentials;
    return await readInstance({ url: local.url, username, password });
  } finally {
    await local.stop();
  }
}

async function readRemote({
  url,
  credentialsFile,
}: {
  url: string;
  credentialsFile: string;
}): Promise<InstanceRecords> {
  if (!URL.canParse(url))
    throw new AppError('bad-url', `--servicenow "${url}" is no URL; give https://dev1.service-now.com.`);
  return readInstance({ url, ...credentialsIn(credentialsFile) });
}

function credentialsIn(file: string): { username: string; password: string } {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // What the parser says may quote the content.
    const why = error instanceof SyntaxError ? 'it is no JSON' : messageOf(error);
    throw new AppError('credentials-unusable', `Cannot use ${file}: ${why}.`);
  }
  const parsed = z.object({ username: z.string(), password: z.string() }).safeParse(content);
  if (parsed.success) return parsed.data;
  throw new AppError('credentials-unusable', `${file} must hold {"username": …, "password": …}.`);
}
