import { GetJobRunCommand, type GlueClient, StartJobRunCommand } from '@aws-sdk/client-glue';
import { rawKeyArgument } from './contract.ts';
import type { Started } from './start-jobs.ts';

/** Glue's words for: not now. */
const busy = new Set([
  'ConcurrentRunsExceededException',
  'ThrottlingException',
  'ResourceNumberLimitExceededException',
]);

export interface JobRun {
  /** Raw object that it was started for; undefined where somebody started it without one. */
  rawKey: string | undefined;
  /** Epoch ms. */
  startedMs: number;
}

export function createGlueJobs(glue: Pick<GlueClient, 'send'>, jobName: string) {
  return {
    /** @throws the SDK's error, but for what a later try cures */
    async start(rawKey: string): Promise<Started> {
      try {
        await glue.send(new StartJobRunCommand({ JobName: jobName, Arguments: { [rawKeyArgument]: rawKey } }));
        return 'started';
      } catch (error) {
        if (error instanceof Error && busy.has(error.name)) return 'busy';
        throw error;
      }
    },
    /** @throws the SDK's error */
    async run(jobRunId: string): Promise<JobRun> {
      const { JobRun } = await glue.send(new GetJobRunCommand({ JobName: jobName, RunId: jobRunId }));
      return { rawKey: JobRun?.Arguments?.[rawKeyArgument], startedMs: JobRun?.StartedOn?.getTime() ?? 0 };
    },
  };
}
