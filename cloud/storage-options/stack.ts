import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Grant } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { LakeBucket } from '../shared/lake-bucket.ts';
import { NodeFunction, type NodeFunctionProps } from '../shared/node-function.ts';
import { ParkingQueue } from '../shared/resting-queue.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { archives, incidentIndex, originals, type PictureType, timeToLiveField } from './contract.ts';
import { PictureApi } from './picture-api.ts';
import { PictureWorkflow } from './picture-workflow.ts';
import { settingsOf } from './settings-of.ts';
import { SharedLog } from './shared-log.ts';
import { SharpLayer } from './sharp-layer.ts';
import { wildcards } from './wildcards.ts';

const room = 'storage-options';
const mb = 1_000_000;

export interface StorageOptionsProps {
  stage: Stage;
  /** What a picture may be. */
  allowedTypes?: readonly PictureType[];
  /** Neither side may be smaller, pixels; a thermal camera may have 160. */
  minPixels?: number;
  /** Of width × height. */
  maxPixels?: number;
  /** Of the file. */
  maxBytes?: number;
  /** How long an offered upload may begin, s. */
  uploadSeconds?: number;
  /** After how many days originals and archives end. */
  originalDays?: number;
  /** Memory of the function that resizes, MB. */
  resizeMemory?: number;
  /** Bus that the events go to, by name. */
  eventBusName?: string;
  /** Of all callers of the API together. */
  requestsPerSecond?: number;
  /** Other accounts, 12 digits each, that may take the roles of cameras and viewers. */
  callerAccounts?: readonly string[];
}

/** Pictures of incidents: offer → upload → workflow → what is shown; and a function for each place that data may be kept in. */
export class StorageOptionsStack extends Stack {
  constructor(scope: Construct, props: StorageOptionsProps) {
    super(scope, 'StorageOptionsStack', {
      description: 'Pictures of incidents: S3, Step Functions, a layer; /tmp and EFS',
    });
    const { stage, allowedTypes = ['image/jpeg'], maxBytes = 10 * mb, eventBusName = 'default' } = props;

    const uploads = new LakeBucket(this, 'Uploads', { stage, endsAfterDays: props.originalDays ?? 30 });
    uploads.tellEventBridge();
    const pictures = new LakeBucket(this, 'Pictures', { stage });
    const table = new TableV2(this, 'Records', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      globalSecondaryIndexes: [
        {
          indexName: incidentIndex,
          partitionKey: { name: 'correlationId', type: AttributeType.STRING },
          sortKey: { name: 'createdAt', type: AttributeType.STRING },
        },
      ],
      timeToLiveAttribute: timeToLiveField,
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      ...{ deletionProtection: stage.deletionProtection, removalPolicy: stage.removalPolicy },
    });
    const parking = new ParkingQueue(this, 'Parking', { stage, room });

    const UPLOADS_BUCKET = uploads.bucket.bucketName;
    const PICTURES_BUCKET = pictures.bucket.bucketName;
    const TABLE_NAME = table.tableName;
    const rules = { ALLOWED_TYPES: allowedTypes.join(), MAX_BYTES: String(maxBytes) };
    const { api, offer, list } = new PictureApi(this, 'Api', {
      ...{ stage, room, requestsPerSecond: props.requestsPerSecond ?? 20, callerAccounts: props.callerAccounts ?? [] },
      offer: { ...rules, TABLE_NAME, UPLOADS_BUCKET, UPLOAD_SECONDS: String(props.uploadSeconds ?? 60) },
      list: { TABLE_NAME, PICTURES_BUCKET },
    });
    const fn = (id: string, entry: URL, own: Pick<NodeFunctionProps, 'timeout' | 'memorySize' | 'environment'>) =>
      new NodeFunction(this, id, { stage, room, entry, invoked: 'sync', ...own });
    const validate = fn('Validate', new URL('./validate.lambda.ts', import.meta.url), {
      timeout: Duration.minutes(1),
      environment: { ...rules, TABLE_NAME, UPLOADS_BUCKET, PARKING_QUEUE_URL: parking.queueUrl },
    });
    const resize = fn('Resize', new URL('./resize.lambda.ts', import.meta.url), {
      ...{ timeout: Duration.minutes(3), memorySize: props.resizeMemory ?? 2_056 },
      environment: {
        ...{ ...rules, UPLOADS_BUCKET, PICTURES_BUCKET },
        ...{ MIN_PIXELS: String(props.minPixels ?? 500), MAX_PIXELS: String(props.maxPixels ?? 50_000_000) },
      },
    });
    const layer = new SharpLayer(this, 'Sharp', { stage });
    resize.addLayers(layer);
    const publish = fn('Publish', new URL('./publish.lambda.ts', import.meta.url), {
      timeout: Duration.seconds(90),
      environment: { TABLE_NAME, EVENT_BUS_NAME: eventBusName, KEEP_DAYS: String(stage.rawDataDays) },
    });
    const workflow = new PictureWorkflow(this, 'Workflow', {
      ...{ stage, room, bucketName: UPLOADS_BUCKET, functions: { validate, resize, publish } },
    });
    const unzip = fn('Unzip', new URL('./unzip.lambda.ts', import.meta.url), {
      ...{ timeout: Duration.minutes(2), memorySize: 1_024 },
      environment: {
        ...{ UPLOADS_BUCKET, MAX_ARCHIVE_BYTES: String(100 * mb), MAX_UNZIPPED_BYTES: String(200 * mb) },
        ...{ KEPT_BYTES: String(600 * mb), MAX_ENTRIES: '1000' },
      },
    });
    // What is kept, and the archive that is unpacked beside it.
    settingsOf(unzip).ephemeralStorage = { size: 1_024 };
    const { append } = new SharedLog(this, 'Log', { stage, room });

    const grant = (grantee: NodeFunction, actions: string[], ...resourceArns: string[]) =>
      Grant.addToPrincipal({ grantee, actions, resourceArns });
    const below = (of: LakeBucket, prefix: string) => of.bucket.arnForObjects(`${prefix}*`);
    grant(offer, ['dynamodb:PutItem'], table.tableArn);
    grant(offer, ['s3:PutObject'], below(uploads, originals));
    grant(list, ['dynamodb:Query'], `${table.tableArn}/index/${incidentIndex}`);
    grant(list, ['s3:GetObject'], below(pictures, 'pictures/'));
    grant(validate, ['dynamodb:GetItem'], table.tableArn);
    parking.grantPark(validate);
    // Without it S3 does not say that an object is not there.
    for (const reading of [validate, resize, unzip]) grant(reading, ['s3:ListBucket'], uploads.bucket.bucketArn);
    for (const reading of [validate, resize]) grant(reading, ['s3:GetObject'], below(uploads, originals));
    grant(resize, ['s3:PutObject'], below(pictures, 'pictures/'));
    grant(publish, ['dynamodb:GetItem', 'dynamodb:UpdateItem'], table.tableArn);
    EventBus.fromEventBusName(this, 'Bus', eventBusName).grantPutEventsTo(publish);
    grant(unzip, ['s3:GetObject'], below(uploads, archives));

    const outputs: Record<string, string> = {
      ...{
        Endpoint: api.apiEndpoint,
        TableName: TABLE_NAME,
        UploadsName: UPLOADS_BUCKET,
        PicturesName: PICTURES_BUCKET,
      },
      ...{ MachineArn: workflow.machine.stateMachineArn, ParkingQueueUrl: parking.queueUrl },
      ...{
        NotStartedUrl: workflow.notStarted.queueUrl,
        UnzipName: unzip.functionName,
        AppendName: append.functionName,
      },
      ...{ ResizeName: resize.functionName, ResizeRoleName: resize.role?.roleName ?? '' },
    };
    for (const [id, value] of Object.entries(outputs)) new CfnOutput(this, id, { value });
    allowWildcards(this, wildcards);
  }
}
