import { z } from 'zod';
import { destinationTemplate } from './contract.ts';

const json = z.string().transform((text): unknown => JSON.parse(text));

/** Destinations by name, in an environment variable. */
export const templatesVariable = json
  .pipe(z.array(destinationTemplate))
  .transform((templates) => new Map(templates.map((template) => [template.name, template])));

/** URLs of the queues of slices, by destination. */
export const queuesVariable = json
  .pipe(z.record(z.string(), z.url()))
  .transform((urls) => new Map(Object.entries(urls)));
