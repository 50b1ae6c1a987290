import { CreateIngestionCommand, type QuickSightClient } from '@aws-sdk/client-quicksight';
import type { Answer, RefreshPorts } from './refresh.ts';

const minuteMs = 60_000;

/** What its errors mean; any other one is thrown. */
const answers: Readonly<Record<string, (why: string) => Answer>> = {
  ResourceExistsException: () => ({ kind: 'existed' }),
  ConflictException: (why) => ({ kind: 'later', delayMs: minuteMs, why }),
  ThrottlingException: (why) => ({ kind: 'later', delayMs: minuteMs, why }),
  // Its own count of the day is ahead of the room's: somebody refreshes by hand too.
  LimitExceededException: (why) => ({ kind: 'later', delayMs: 15 * minuteMs, why }),
  ResourceNotFoundException: (why) => ({ kind: 'refused', why }),
  InvalidParameterValueException: (why) => ({ kind: 'refused', why }),
};

export function createQuickSight(
  quickSight: Pick<QuickSightClient, 'send'>,
  AwsAccountId: string,
): RefreshPorts['quickSight'] {
  return {
    async createIngestion({ dataSetId, ingestionId, type }) {
      try {
        await quickSight.send(
          new CreateIngestionCommand({
            ...{ AwsAccountId, DataSetId: dataSetId, IngestionId: ingestionId, IngestionType: type },
          }),
        );
        return { kind: 'accepted' };
      } catch (error) {
        const answer = error instanceof Error ? answers[error.name]?.(`${error.name}: ${error.message}`) : undefined;
        if (answer === undefined) throw error;
        return answer;
      }
    },
  };
}
