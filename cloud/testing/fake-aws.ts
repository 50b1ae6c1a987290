import { z } from 'zod';

const requestSchema = z.object({
  headers: z.record(z.string(), z.string()),
  body: z.union([z.instanceof(Uint8Array).transform((bytes) => Buffer.from(bytes).toString()), z.string()]),
});

/** A request of the SDK: `{ operation: 'PutRecord', input: { StreamName: … } }`; bytes in base64. */
export interface AwsRequest {
  operation: string;
  input: unknown;
}

/** An error that AWS answers, with the fields that it has: `new AwsFault('ProvisionedThroughputExceededException')`. */
export class AwsFault extends Error {
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(type: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(type);
    this.type = type;
    this.fields = fields;
  }
}

/**
 * Settings for a client of the SDK whose service is a function, for services that speak JSON (DynamoDB, SQS, Kinesis,
 * EventBridge, Glue, Step Functions, …): `new DynamoDBClient(fakeAws(({ operation, input }) => ({})))`. The real client runs, so what is tested is what is sent.
 * An `AwsFault` that it throws is the service's error.
 */
export function fakeAws(answer: (request: AwsRequest) => unknown) {
  return {
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
    requestHandler: {
      async handle(request: unknown) {
        const { headers, body } = requestSchema.parse(request);
        const operation = headers['x-amz-target']?.split('.')[1] ?? '';
        return { response: respond(() => answer({ operation, input: JSON.parse(body) })) };
      },
    },
  };
}

function respond(answer: () => unknown) {
  const headers = { 'content-type': 'application/x-amz-json-1.0' };
  try {
    return { statusCode: 200, headers, body: Buffer.from(JSON.stringify(answer() ?? {})) };
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
    const answer = { __type: error.type, message: error.type, ...error.fields };
    return { statusCode: 400, headers, body: Buffer.from(JSON.stringify(answer)) };
  }
}
