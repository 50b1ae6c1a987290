import { change } from './change.ts';
import { httpFunction } from './http-function.aws.ts';

/** `PATCH /{id}`: changes what the body names. */
export const handler = httpFunction((request, { table }) =>
  change(request, { update: table.update, nowMs: Date.now() }),
);
