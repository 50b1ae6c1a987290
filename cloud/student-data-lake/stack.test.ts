import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { describeRoom, type SynthesisedRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { rights, warehouseRights } from './rights.ts';
import { validationQueries } from './validation-queries.ts';
import { warehouseWildcards, wildcards } from './wildcards.ts';

const room = 'student-data-lake';
describeRoom(room, {
  rights: { ...rights, ...warehouseRights },
  wildcards: [...wildcards, ...warehouseWildcards],
});

describe(room, () => {
  let prod: SynthesisedRoom;

  beforeAll(async () => {
    prod = await synthesiseRoom(room, 'prod');
  }, 120_000);

  const all = () => [...prod.stacks.values()].flat();
  const named = (type: string) => all().filter(({ Type }) => Type === type);

  test('synth: names are those of the post', () => {
    const names = named('AWS::Lambda::Function').flatMap(({ Properties }) => Properties['FunctionName'] ?? []);
    expect(names).toEqual(['canvas-data-sync-prod', 'canvas-data-fetch-prod']);
    expect(named('AWS::Glue::Database')[0]?.Properties).toMatchObject({ DatabaseInput: { Name: 'canvasdata_prod' } });
    expect(named('AWS::Events::Rule')[0]?.Properties).toMatchObject({ ScheduleExpression: 'cron(0 10 * * ? *)' });
  });

  test('synth: each file is retried by itself, one that fails does not stop the others, and each failure is reported', () => {
    const pieces = z
      .object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) })
      .parse(named('AWS::StepFunctions::StateMachine')[0]?.Properties['DefinitionString'])['Fn::Join'][1];
    const definition: unknown = JSON.parse(pieces.map((one) => (typeof one === 'string' ? one : 'reference')).join(''));
    const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'ReportFailure' }];
    const Retry = [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 30, MaxAttempts: 3, BackoffRate: 2 }];
    expect(definition).toMatchObject({
      StartAt: 'Plan',
      TimeoutSeconds: 21_600,
      States: {
        Plan: { Catch, Retry },
        FetchFiles: {
          Catch,
          ToleratedFailurePercentage: 100,
          MaxConcurrency: 10,
          ItemReader: { Parameters: { 'Key.$': '$.plan.filesKey' } },
          ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED' }, States: { Fetch: { Retry } } },
        },
        Conclude: { Catch, Retry },
        Queries: { Result: validationQueries() },
        Validate: { Catch },
      },
    });
  });

  test('synth: of the warehouse only a log group is made unless it is asked for', () => {
    const template = prod.stacks.get('StudentWarehouseStack') ?? [];
    expect(template.filter(({ Condition }) => Condition === undefined).map(({ Type }) => Type)).toEqual([
      'AWS::Logs::LogGroup',
    ]);
  });

  test('synth: replication and warehouse are private, and the warehouse is encrypted, logs, and asks for TLS', () => {
    expect(named('AWS::DMS::ReplicationInstance')[0]?.Properties).toMatchObject({ PubliclyAccessible: false });
    expect(named('AWS::DMS::Endpoint')[0]?.Properties).toMatchObject({ SslMode: 'require' });
    expect(named('AWS::DMS::ReplicationTask')[0]?.Properties['TableMappings']).not.toContain('birthdate');
    expect(named('AWS::Redshift::Cluster')[0]?.Properties).toMatchObject({
      ...{ PubliclyAccessible: false, Encrypted: true, ManageMasterPassword: true, EnhancedVpcRouting: true },
      LoggingProperties: { S3KeyPrefix: 'audit/' },
    });
    expect(named('AWS::Redshift::ClusterParameterGroup')[0]?.Properties).toMatchObject({
      Parameters: [{ ParameterName: 'require_ssl', ParameterValue: 'true' }, { ParameterValue: 'true' }],
    });
  });
});
