import { Aws } from 'aws-cdk-lib';
import { CfnNamedQuery, CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import { Grant, Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Stage } from '../../stages.ts';
import { acknowledge } from '../acknowledge.ts';
import { LakeBucket } from '../lake-bucket.ts';
import type { NodeFunction } from '../node-function.ts';
import { type ColumnType, trinoTypes } from './columns.ts';

type Columns = Readonly<Record<string, ColumnType>>;

export interface CatalogueProps {
  stage: Stage;
  databaseName: string;
  /** What the database holds, in one sentence. */
  description: string;
  /** What one query may read before it is ended: it is what Athena charges for. */
  mostBytesAQuery?: number;
}

/** Tables over objects of a bucket, and the workgroup that queries them; its results lie in a bucket of their own. */
export class Catalogue extends Construct {
  readonly databaseName: string;
  readonly workgroupName: string;
  readonly results: Bucket;
  private readonly database: CfnDatabase;
  private readonly stage: Stage;

  constructor(scope: Construct, id: string, props: CatalogueProps) {
    super(scope, id);
    const { stage, databaseName, description, mostBytesAQuery = 10 * 1024 ** 3 } = props;
    this.stage = stage;
    this.databaseName = databaseName;
    this.workgroupName = databaseName.replaceAll('_', '-');
    this.results = new LakeBucket(this, 'Results', { stage }).bucket;
    this.database = new CfnDatabase(this, 'Database', {
      catalogId: Aws.ACCOUNT_ID,
      databaseInput: { name: databaseName, description },
    });
    this.database.applyRemovalPolicy(stage.removalPolicy);
    new CfnWorkGroup(this, 'Workgroup', {
      name: this.workgroupName,
      description: `Queries of ${databaseName}`,
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: mostBytesAQuery,
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: this.results.s3UrlForObject('results/'),
          encryptionConfiguration: { encryptionOption: 'SSE_S3' },
        },
      },
    });
  }

  /**
   * A table of Parquet files below `<location>/day=YYYY-MM-DD/`. The days are projected: no crawler runs, and a day is
   * there as soon as its first file is.
   */
  addDailyTable(name: string, table: { location: string; columns: Columns; firstDay: string; description: string }) {
    const { location, columns, firstDay, description } = table;
    const glue = new CfnTable(this, `Table-${name}`, {
      catalogId: Aws.ACCOUNT_ID,
      databaseName: this.databaseName,
      tableInput: {
        name,
        description,
        tableType: 'EXTERNAL_TABLE',
        partitionKeys: [{ name: 'day', type: 'string' }],
        parameters: {
          classification: 'parquet',
          'projection.enabled': 'true',
          'projection.day.type': 'date',
          'projection.day.format': 'yyyy-MM-dd',
          // What a clock ahead of AWS stamps is a day ahead at most.
          'projection.day.range': `${firstDay},NOW+1DAYS`,
          'projection.day.interval': '1',
          'projection.day.interval.unit': 'DAYS',
          'storage.location.template': `${location}day=\${day}/`,
        },
        storageDescriptor: {
          location,
          columns: glueColumns(columns),
          inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
          outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
          serdeInfo: { serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
        },
      },
    });
    glue.addResourceDependency(this.database);
  }

  /** A view of Athena, as its `CREATE VIEW` writes it into the catalogue. */
  addView(name: string, { sql, columns, description }: { sql: string; columns: Columns; description: string }) {
    const view = {
      originalSql: sql,
      catalog: 'awsdatacatalog',
      schema: this.databaseName,
      columns: Object.entries(columns).map(([column, type]) => ({ name: column, type: trinoTypes[type] })),
    };
    const glue = new CfnTable(this, `View-${name}`, {
      catalogId: Aws.ACCOUNT_ID,
      databaseName: this.databaseName,
      tableInput: {
        name,
        description,
        tableType: 'VIRTUAL_VIEW',
        parameters: { presto_view: 'true', comment: 'Presto View' },
        viewOriginalText: `/* Presto View: ${Buffer.from(JSON.stringify(view)).toString('base64')} */`,
        viewExpandedText: '/* Presto View */',
        storageDescriptor: { columns: glueColumns(columns), serdeInfo: {} },
      },
    });
    glue.addResourceDependency(this.database);
  }

  /** A query that Athena's console offers; it runs where the local account, which has no views, runs it too. */
  addNamedQuery(name: string, { sql, description }: { sql: string; description: string }) {
    const query = new CfnNamedQuery(this, `Query-${name}`, {
      name,
      description,
      database: this.databaseName,
      workGroup: this.workgroupName,
      queryString: sql,
    });
    query.node.addDependency(this.node.findChild('Workgroup'));
  }

  /** ARNs of catalogue, database and its tables. */
  get glueArns(): string[] {
    const arn = `arn:${Aws.PARTITION}:glue:${Aws.REGION}:${Aws.ACCOUNT_ID}`;
    return [`${arn}:catalog`, `${arn}:database/${this.databaseName}`, `${arn}:table/${this.databaseName}/*`];
  }

  get workgroupArn(): string {
    return `arn:${Aws.PARTITION}:athena:${Aws.REGION}:${Aws.ACCOUNT_ID}:workgroup/${this.workgroupName}`;
  }

  /** Lets a function query the tables; that it may read their objects is granted at their bucket. */
  grantQuery(grantee: NodeFunction): void {
    const grant = (actions: string[], resourceArns: string[]) =>
      Grant.addToPrincipal({ grantee, actions, resourceArns });
    grant(['athena:StartQueryExecution'], [this.workgroupArn]);
    const asking = ['athena:GetQueryExecution', 'athena:GetQueryResults'];
    if (this.stage.name !== 'local') grant(asking, [this.workgroupArn]);
    else {
      // The local account does not know the workgroup of a query that is asked after. A policy of its own stays one statement.
      const policy = new Policy(grantee, 'AsksAfterQueries');
      policy.addStatements(new PolicyStatement({ actions: asking, resources: ['*'] }));
      acknowledge(
        policy,
        'AwsSolutions-IAM5[Resource::*]',
        'The local account evaluates these actions without a resource.',
      );
      grantee.role?.attachInlinePolicy(policy);
    }
    grant(['glue:GetDatabase', 'glue:GetPartitions', 'glue:GetTable'], this.glueArns);
    grant(['s3:GetBucketLocation'], [this.results.bucketArn]);
    grant(['s3:GetObject', 's3:PutObject'], [this.results.arnForObjects('*')]);
  }
}

function glueColumns(columns: Columns): CfnTable.ColumnProperty[] {
  return Object.entries(columns).map(([name, type]) => ({ name, type }));
}
