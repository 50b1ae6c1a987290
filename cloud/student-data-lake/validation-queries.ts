import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A query whose rows are what must not be. */
export interface ValidationQuery {
  query: string;
  sql: string;
}

/** One for each file of `queries/`, in order of their names. */
export function validationQueries(): ValidationQuery[] {
  const folder = join(import.meta.dirname, 'queries');
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .toSorted()
    .map((file) => ({ query: file.replace(/\.sql$/, ''), sql: readFileSync(join(folder, file), 'utf8').trim() }));
}
