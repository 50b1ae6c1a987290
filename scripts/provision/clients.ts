import { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { IAMClient } from '@aws-sdk/client-iam';
import { IoTClient } from '@aws-sdk/client-iot';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { STSClient } from '@aws-sdk/client-sts';
import { awsError } from './aws-error.ts';

export interface Clients {
  iot: IoTClient;
  greengrass: GreengrassV2Client;
  iam: IAMClient;
  secrets: SecretsManagerClient;
  s3: S3Client;
  sts: STSClient;
  close(): void;
}

/**
 * Clients with the standard credentials; `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>` are read by the SDK. What
 * they throw is an AppError that says what to do.
 */
export function createClients(region: string, env: NodeJS.ProcessEnv): Clients {
  // A local account has no name for each bucket.
  const forcePathStyle = (env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL']) !== undefined;
  const iot = withSentences(new IoTClient({ region }));
  const greengrass = withSentences(new GreengrassV2Client({ region }));
  const iam = withSentences(new IAMClient({ region }));
  const secrets = withSentences(new SecretsManagerClient({ region }));
  const s3 = withSentences(new S3Client({ region, forcePathStyle }));
  const sts = withSentences(new STSClient({ region }));
  const close = () => {
    for (const client of [iot, greengrass, iam, secrets, s3, sts]) client.destroy();
  };
  return { iot, greengrass, iam, secrets, s3, sts, close };
}

/** The part of a client's middleware stack that is used here; the clients differ in the types of their requests. */
export interface Stacked {
  middlewareStack: {
    add(
      middleware: <A extends object, R extends object>(
        next: (args: A) => Promise<R>,
        context: { clientName?: string; commandName?: string },
      ) => (args: A) => Promise<R>,
      options: { step: 'initialize'; name: string; priority: 'high' },
    ): void;
  };
}

function withSentences<C extends Stacked>(client: C): C {
  client.middlewareStack.add(
    (next, { clientName = '', commandName = '' }) =>
      async (args) => {
        try {
          return await next(args);
        } catch (error) {
          throw awsError(error, { client: clientName, command: commandName });
        }
      },
    { step: 'initialize', name: 'errors-as-sentences', priority: 'high' },
  );
  return client;
}
