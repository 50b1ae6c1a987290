import { httpFunction } from './http-function.aws.ts';
import { list } from './list.ts';

/** `GET`: a page of devices. */
export const handler = httpFunction((request, { table }) => list(request, table));
