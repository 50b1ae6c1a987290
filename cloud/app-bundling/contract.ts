import { z } from 'zod';

/** Who tells on the bus that content was committed: content-aggregator, under its name for events and under its own. */
export const contentSources = ['greengrass-itsm.content', 'content-aggregator'] as const;
export const contentDetailType = 'ContentCommitted';

/** The event as EventBridge delivers it. */
export const contentCommitted = z.object({
  source: z.enum(contentSources),
  'detail-type': z.literal(contentDetailType),
  detail: z.object({
    repo: z
      .string()
      .regex(/^[A-Za-z0-9][\w.-]{0,99}\/[\w.-]{1,100}$/)
      .describe('Repository on GitHub, `owner/name`.'),
    path: z.string().min(1).max(1_024).describe('File that was committed.'),
    commitSha: z.string().regex(/^[0-9a-f]{40}$/),
  }),
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
