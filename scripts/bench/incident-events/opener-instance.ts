import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { startTestServiceNow } from '../../../cloud/testing/servicenow.ts';

/** The instance that the opener tells, with what it was told. */
export interface OpenerInstance {
  /** Has what still waits told once more, and answers how many incidents each key has that were not canceled. */
  incidents(): Promise<ReadonlyMap<string, number>>;
  stop(): Promise<void>;
}

/** @param functions Names of the opener's functions; the last one is that of each minute. */
export async function startOpenerInstance(functions: readonly string[]): Promise<OpenerInstance> {
  const serviceNow = await startTestServiceNow();
  const lambda = new LambdaClient();
  await new SecretsManagerClient().send(
    new CreateSecretCommand({
      Name: 'greengrass-snow-creds',
      SecretString: JSON.stringify({ username: 'admin', password: 'twin-password' }),
    }),
  );
  const configuration = {
    serviceNow: { url: serviceNow.url, timeoutMs: 5_000 },
    // An end is told at once, and with it each event is.
    handler: { quietMs: 0, maxNewPerHour: 1_000_000 },
    delivery: { settleMs: 1_000, backoffBaseMs: 100, backoffCapMs: 200, pauseMs: 500 },
  };
  for (const FunctionName of functions) {
    const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const Variables = { ...Environment?.Variables, CONFIGURATION: JSON.stringify(configuration) };
    await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
  }
  return {
    async incidents() {
      await lambda.send(new InvokeCommand({ FunctionName: functions.at(-1), Payload: '{}' }));
      const rows = serviceNow.rows('incident').filter((row) => row['state'] !== '8');
      return rows.reduce((counts, row) => {
        const key = String(row['correlation_id']);
        return counts.set(key, (counts.get(key) ?? 0) + 1);
      }, new Map<string, number>());
    },
    stop: () => serviceNow.stop(),
  };
}
