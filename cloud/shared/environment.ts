import { z } from 'zod';

/**
 * The environment of a function, by the schema of its names. Called once, while the function is loaded.
 * @throws Error that names what is missing or wrong, without the values.
 */
export function readEnvironment<T extends z.ZodType>(
  schema: T,
  environment: Record<string, string | undefined> = process.env,
): z.output<T> {
  const parsed = schema.safeParse(environment);
  if (parsed.success) return parsed.data;
  throw new Error(
    `The function's environment does not fit its code: ${z.prettifyError(parsed.error)}. Deploy the room again.`,
  );
}
