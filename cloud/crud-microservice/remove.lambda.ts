import { httpFunction } from './http-function.aws.ts';
import { remove } from './remove.ts';

/** `DELETE /{id}`: takes a device out of the registry. */
export const handler = httpFunction((request, { table }) => remove(request, { bury: table.bury, nowMs: Date.now() }));
