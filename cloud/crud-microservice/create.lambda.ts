import { randomBytes } from 'node:crypto';
import { create } from './create.ts';
import { httpFunction } from './http-function.aws.ts';

/** `POST`: registers a device. */
export const handler = httpFunction((request, { table, path }) =>
  create(path, request, { insert: table.insert, nowMs: Date.now(), random: randomBytes(10) }),
);
