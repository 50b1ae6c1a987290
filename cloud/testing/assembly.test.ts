import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { alarmsMonthlyUsd, readBuiltRooms, readFindings, writeBuiltRooms } from './assembly.ts';
import { resourcesOf } from './template.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'greengrass-itsm-assembly-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

test('alarms cost by the metrics that they watch', () => {
  const alarm = (Properties: Record<string, unknown>) => ({ Type: 'AWS::CloudWatch::Alarm', Properties });
  const watched = (id: string) => ({ Id: id, MetricStat: { Stat: 'Sum' } });
  const resources = resourcesOf({
    Resources: {
      One: alarm({ MetricName: 'Errors' }),
      Two: alarm({ Metrics: [{ Id: 'sum', Expression: 'a + b' }, watched('a'), watched('b')] }),
      OnOthers: { Type: 'AWS::CloudWatch::CompositeAlarm' },
      Topic: { Type: 'AWS::SNS::Topic' },
    },
  });
  expect(alarmsMonthlyUsd(resources)).toBe(0.8);
  expect(alarmsMonthlyUsd([])).toBe(0);
});

test('an assembly has no rooms until it is written to its end', () => {
  const assembly = folder();
  expect(readBuiltRooms(assembly)).toEqual([]);
  const rooms = [{ name: 'lake', stacks: ['LakeStack'], fixedMonthlyUsd: 0.3 }];
  writeBuiltRooms(assembly, rooms);
  expect(readBuiltRooms(assembly)).toEqual(rooms);
});

describe('findings of an assembly', () => {
  const findingsIn = (pluginReports: unknown) => {
    const assembly = folder();
    writeFileSync(join(assembly, 'validation-report.json'), JSON.stringify({ pluginReports }));
    return readFindings(assembly, 'Lake');
  };
  const violations = [
    {
      ruleName: 'AwsSolutions-S1',
      violatingConstructs: [{ constructPath: 'Lake/Raw' }, { constructPath: 'Lakes/Raw' }, { constructPath: 'Other' }],
    },
  ];

  test('are those of the AwsSolutions rules in one stack', () => {
    expect(
      findingsIn([
        { pluginName: 'AwsSolutions', violations },
        { pluginName: 'CloudFormation Validate', violations },
      ]),
    ).toEqual(['Lake/Raw: AwsSolutions-S1']);
  });

  test('are none where the rules found nothing, which is then not in the report', () => {
    expect(findingsIn([])).toEqual([]);
    expect(readFindings(folder(), 'Lake')).toEqual([]);
  });
});
