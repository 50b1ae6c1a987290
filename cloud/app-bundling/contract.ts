import { z } from 'zod';
import { contentCommitted, contentCommittedType, eventSource } from '../content-aggregator/contract.ts';

/** A commit of content-aggregator, as EventBridge delivers it. */
export const commitEvent = z.object({
  source: z.literal(eventSource),
  'detail-type': z.literal(contentCommittedType),
  detail: contentCommitted,
});

/** What Lambda sends for a batch of the queue of commits. */
export const commitBatch = z.object({
  Records: z.array(z.object({ messageId: z.string(), body: z.string() })),
});
export type CommitMessage = z.infer<typeof commitBatch>['Records'][number];

/** What `GET /hello` answers. */
export const helloAnswer = z.object({
  message: z.literal('hello'),
  service: z.literal('greengrass-itsm'),
  architecture: z.enum(['amd64', 'arm64']),
  requestId: z.string(),
});
