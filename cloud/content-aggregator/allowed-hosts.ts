import { z } from 'zod';

/** The environment's list: `aws.amazon.com,127.0.0.1:8187`. */
export const allowedHosts = z
  .string()
  .transform((list) => list.split(',').map((host) => host.trim()))
  .pipe(z.array(z.string().min(1)).min(1));
