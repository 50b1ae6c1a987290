import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { trinoTypes } from '../shared/lake/columns.ts';
import { describeRoom, type SynthesisedRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { sampleColumns } from './contract.ts';
import { queries, sqlOf, standaloneSql } from './queries.ts';
import { rights } from './rights.ts';
import { wildcards } from './wildcards.ts';

const room = 'sensor-data-lake';
describeRoom(room, { rights, wildcards });

const tableSchema = z.object({
  TableInput: z.looseObject({
    Name: z.string(),
    TableType: z.string(),
    ViewOriginalText: z.string().optional(),
    StorageDescriptor: z.looseObject({ Columns: z.array(z.object({ Name: z.string(), Type: z.string() })) }),
  }),
});

describe(room, () => {
  const built = new Map<'local' | 'prod', SynthesisedRoom>();

  beforeAll(async () => {
    for (const stage of ['local', 'prod'] as const) built.set(stage, await synthesiseRoom(room, stage));
  }, 120_000);

  const resources = (type: string, stage: 'local' | 'prod' = 'prod') =>
    [...(built.get(stage)?.stacks.values() ?? [])].flat().filter(({ Type }) => Type === type);
  const tables = () => resources('AWS::Glue::Table').map(({ Properties }) => tableSchema.parse(Properties).TableInput);

  test('synth: the rule writes the same line in both stages, to Firehose on AWS', () => {
    const payload = (stage: 'local' | 'prod') =>
      resources('AWS::IoT::TopicRule', stage)[0]?.Properties['TopicRulePayload'];
    const Sql =
      "SELECT encode(*, 'base64') AS data, clientid() AS clientId, timestamp() AS receivedAtMs FROM 'IoTBlog/sensorData'";
    const ErrorAction = { Sqs: { QueueUrl: expect.anything() } };
    expect(payload('prod')).toMatchObject({ Sql, Actions: [{ Firehose: { Separator: '\n' } }], ErrorAction });
    expect(payload('local')).toMatchObject({ Sql, Actions: [{ Lambda: {} }], ErrorAction });
  });

  test('synth: raw objects end, those of the table do not', () => {
    const expires = (path: string) =>
      JSON.stringify(resources('AWS::S3::Bucket').find((one) => one.path === path)?.Properties).includes(
        'ExpirationInDays',
      );
    expect(expires('Raw/Objects')).toBe(true);
    expect(expires('Processed/Objects')).toBe(false);
  });

  test('synth: the table has the columns of its files, and its days are projected from the first one on', () => {
    expect(tables().find(({ Name }) => Name === 'samples')).toMatchObject({
      Parameters: {
        'projection.enabled': 'true',
        'projection.day.range': '2020-01-01,NOW+1DAYS',
        'storage.location.template': { 'Fn::Join': ['', expect.arrayContaining([`/samples/day=\${day}/`])] },
      },
      PartitionKeys: [{ Name: 'day', Type: 'string' }],
      StorageDescriptor: { Columns: Object.entries(sampleColumns).map(([Name, Type]) => ({ Name, Type })) },
    });
  });

  test('synth: each query is a view of Athena, which reads the view of readings, and a saved query that stands alone', () => {
    const views = tables().filter(({ TableType }) => TableType === 'VIRTUAL_VIEW');
    expect(views.map(({ Name }) => Name)).toEqual(queries.map(({ name }) => name.replaceAll('-', '_')));
    for (const [index, query] of queries.entries()) {
      const view = views[index];
      const encoded = /^\/\* Presto View: (\S+) \*\/$/.exec(view?.ViewOriginalText ?? '')?.[1] ?? '';
      expect(JSON.parse(Buffer.from(encoded, 'base64').toString())).toEqual({
        ...{ originalSql: sqlOf(query), catalog: 'awsdatacatalog', schema: 'sensor_data_lake' },
        columns: Object.entries(query.columns).map(([name, type]) => ({ name, type: trinoTypes[type] })),
      });
    }
    const saved = resources('AWS::Athena::NamedQuery').map(({ Properties }) => Properties['QueryString']);
    expect(saved).toEqual(queries.map(standaloneSql));
  });

  test('synth: the workgroup ends a query that reads too much, and encrypts its results', () => {
    expect(resources('AWS::Athena::WorkGroup')[0]?.Properties['WorkGroupConfiguration']).toMatchObject({
      BytesScannedCutoffPerQuery: 10_737_418_240,
      EnforceWorkGroupConfiguration: true,
      ResultConfiguration: { EncryptionConfiguration: { EncryptionOption: 'SSE_S3' } },
    });
  });

  test('synth: Firehose packs what it writes, and keeps it encrypted', () => {
    expect(resources('AWS::KinesisFirehose::DeliveryStream')[0]?.Properties).toMatchObject({
      DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' },
      ExtendedS3DestinationConfiguration: {
        BufferingHints: { IntervalInSeconds: 300 },
        CompressionFormat: 'GZIP',
        Prefix: 'readings/!{timestamp:yyyy/MM/dd/}',
      },
    });
  });
});
