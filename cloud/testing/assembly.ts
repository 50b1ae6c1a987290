import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { resourcesOf, type TemplateResource } from './template.ts';

const builtRoom = z.object({
  name: z.string(),
  stacks: z.array(z.string()),
  /** That of rooms.ts, and that of the alarms in its templates. */
  fixedMonthlyUsd: z.number(),
});

/** What an assembly holds of one room; in rooms.json, beside the CDK's own files. */
export type BuiltRoom = z.infer<typeof builtRoom>;

const roomsFile = (assembly: string) => join(assembly, 'rooms.json');

export function writeBuiltRooms(assembly: string, rooms: readonly BuiltRoom[]): void {
  writeFileSync(roomsFile(assembly), `${JSON.stringify(rooms, undefined, 2)}\n`);
}

/** None where the assembly was not written to its end. */
export function readBuiltRooms(assembly: string): BuiltRoom[] {
  const file = roomsFile(assembly);
  return existsSync(file) ? z.array(builtRoom).parse(JSON.parse(readFileSync(file, 'utf8'))) : [];
}

/** The resources of a stack of an assembly. */
export function readResources(assembly: string, stack: string): TemplateResource[] {
  return resourcesOf(JSON.parse(readFileSync(join(assembly, `${stack}.template.json`), 'utf8')));
}

/** The asset manifest of a stack of an assembly. */
export function readAssets(assembly: string, stack: string): unknown {
  return JSON.parse(readFileSync(join(assembly, `${stack}.assets.json`), 'utf8'));
}

const validationReport = z.object({
  pluginReports: z.array(
    z.object({
      pluginName: z.string(),
      violations: z.array(
        z.object({
          ruleName: z.string(),
          violatingConstructs: z.array(z.object({ constructPath: z.string().optional() })),
        }),
      ),
    }),
  ),
});

/**
 * What the AwsSolutions rules found in a stack of an assembly and nobody gave a reason for: `Stack/Path: Rule`. The CDK
 * leaves out the report of a check that found nothing.
 */
export function readFindings(assembly: string, stack: string): string[] {
  const file = join(assembly, 'validation-report.json');
  if (!existsSync(file)) return [];
  const { pluginReports } = validationReport.parse(JSON.parse(readFileSync(file, 'utf8')));
  return pluginReports
    .filter(({ pluginName }) => pluginName === 'AwsSolutions')
    .flatMap(({ violations }) => violations)
    .flatMap(({ ruleName, violatingConstructs }) =>
      violatingConstructs
        .map(({ constructPath = stack }) => constructPath)
        .filter((path) => path === stack || path.startsWith(`${stack}/`))
        .map((path) => `${path}: ${ruleName}`),
    );
}

/** Of a metric that an alarm watches, and of an alarm on alarms: list prices a month, us-east-1, November 2026. */
const alarmUsd = { metric: 0.1, composite: 0.5 };

/** What the alarms of a stack cost a month, which AWS bills by the metrics that they watch, in US dollars. */
export function alarmsMonthlyUsd(resources: readonly TemplateResource[]): number {
  const cents = resources.map(({ Type, Properties }) => {
    if (Type === 'AWS::CloudWatch::CompositeAlarm') return 100 * alarmUsd.composite;
    if (Type !== 'AWS::CloudWatch::Alarm') return 0;
    const metrics = z.array(z.looseObject({ MetricStat: z.unknown().optional() })).safeParse(Properties['Metrics']);
    const watched = metrics.data?.filter(({ MetricStat }) => MetricStat !== undefined).length ?? 1;
    return 100 * alarmUsd.metric * Math.max(1, watched);
  });
  return Math.round(cents.reduce((sum, one) => sum + one, 0)) / 100;
}
