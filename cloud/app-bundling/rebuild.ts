import { createHash } from 'node:crypto';
import { parseMessage } from '../shared/domain-event.ts';
import type { ParkedRecord } from '../shared/parked-record.ts';
import type { Parking } from '../shared/parking.aws.ts';
import { type CommitMessage, commitEvent } from './contract.ts';

export interface RebuildPlan {
  /** Messages that a build is to be started for: one for all of them. */
  wanted: readonly CommitMessage[];
  /** The same for the same commits, so that a start whose answer was lost is not a second build. */
  token: string;
  /** Commits to other repositories: their builds are others' business. */
  dropped: number;
  parked: readonly ParkedRecord[];
}

/** What is to be done about a batch of commits. The build takes the head of the branch, so one is enough for all. */
export function planRebuild(messages: readonly CommitMessage[], repository: string): RebuildPlan {
  const wanted: CommitMessage[] = [];
  const parked: ParkedRecord[] = [];
  const commits = new Set<string>();
  let dropped = 0;
  for (const message of messages) {
    const parsed = parseMessage(commitEvent, { ...message, groupId: '' });
    if (!parsed.ok) parked.push(parsed.parked);
    else if (parsed.value.detail.repo.toLowerCase() !== repository.toLowerCase()) dropped += 1;
    else {
      wanted.push(message);
      commits.add(parsed.value.detail.commitSha);
    }
  }
  const token = createHash('sha256')
    .update([...commits].toSorted().join(' '))
    .digest('hex');
  return { wanted, token, dropped, parked };
}

export interface RebuildPorts {
  parking: Parking;
  /** @throws the SDK's error where none was started: another one is running, or rights, or throttled */
  builds: { start(token: string): Promise<string> };
}

export interface Rebuilt extends Omit<RebuildPlan, 'token'> {
  /** Id of the build that was started. */
  build: string | undefined;
  /** Why none was started. */
  error: unknown;
  batchItemFailures: { itemIdentifier: string }[];
}

/** Parks what can never be used, and starts one build for the rest; what waits for a build that runs comes again. */
export async function rebuildSite(
  messages: readonly CommitMessage[],
  repository: string,
  { parking, builds }: RebuildPorts,
): Promise<Rebuilt> {
  const { token, ...plan } = planRebuild(messages, repository);
  await parking.park(plan.parked);
  const done = { ...plan, build: undefined, error: undefined, batchItemFailures: [] };
  if (plan.wanted.length === 0) return done;
  try {
    return { ...done, build: await builds.start(token) };
  } catch (error) {
    const batchItemFailures = plan.wanted.map(({ messageId }) => ({ itemIdentifier: messageId }));
    return { ...done, error, batchItemFailures };
  }
}
