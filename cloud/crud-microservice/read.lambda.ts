import { httpFunction } from './http-function.aws.ts';
import { read } from './read.ts';

/** `GET /{id}`: one device. */
export const handler = httpFunction((request, { table }) => read(request, table));
