import { z } from 'zod';

/** Secret `greengrass-snow-creds`: Basic credentials as in the post, or an OAuth client. */
export const serviceNowCredentials = z.union([
  z.object({
    clientId: z.string().min(1),
    clientSecret: z.string().min(1),
    username: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
  }),
  z.object({ username: z.string().min(1), password: z.string().min(1) }),
]);

export type ServiceNowCredentials = z.infer<typeof serviceNowCredentials>;

export type SecretResult =
  | {
      ok: true;
      credentials: ServiceNowCredentials;
      /** Changes when the secret changes: one login attempt is made for each version. Never derived from the value in the clear. */
      version: string;
    }
  | { ok: false; reason: 'not-found' | 'not-allowed' | 'unreachable' | 'malformed'; message: string };

/** Where the ServiceNow credentials come from. Results are never logged. */
export interface Secrets {
  readonly kind: string;
  /** `refresh` asks the source anew instead of a cache; used after a 401. Never throws. */
  get(options?: { refresh?: boolean }): Promise<SecretResult>;
}
