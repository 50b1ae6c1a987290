import { z } from 'zod';

/** Where the extension puts secrets, and functions read them: Lambda's own /tmp, which goes with the environment. */
export const defaultSecretsHome = '/tmp/secrets';

/** A name in a folder, and no way out of it. */
const fileName = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[A-Za-z0-9_+=@-][A-Za-z0-9._+=@-]*$/, 'is no file name: give the secret a `filename`');

const secretEntry = z
  .strictObject({
    secretname: z.string().min(1).max(512),
    /** What functions call it; the name of the secret where absent. */
    filename: fileName.optional(),
    /** Whether the environment is of no use without it; else a failure is only logged, as in Square's extension. */
    required: z.boolean().default(false),
    /** Of a secret that is a JSON object, the one value that is wanted. */
    key: z.string().min(1).max(200).optional(),
  })
  .refine(({ secretname, filename }) => filename !== undefined || fileName.safeParse(secretname).success, {
    message: 'is no file name: give the secret a `filename`',
    path: ['secretname'],
  });

/**
 * `config.yaml` in the root of a function, as Square's lambda-secrets-prefetch has it; `required`, `key` and `TtlSeconds` are
 * additions.
 */
export const secretsConfig = z.strictObject({
  SecretManagers: z
    .array(
      z.strictObject({
        /** Stands before each name: empty, a path, or the start of an ARN in another account. */
        prefix: z.string().max(512).default(''),
        secrets: z.array(secretEntry).min(1).max(20),
      }),
    )
    .max(10),
  SecretsHome: z
    .string()
    .regex(/^\/tmp(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/, 'must be a folder below /tmp')
    .default(defaultSecretsHome),
  /** How old a value may be before an invocation makes the extension fetch it again, seconds. */
  TtlSeconds: z.int().min(1).max(86_400).default(300),
});
export type SecretsConfig = z.output<typeof secretsConfig>;

/** What the configuration of AppConfig holds. Its JSON schema, which AppConfig validates a new version by, is made from this. */
export const settings = z.strictObject({
  loglevel: z.enum(['normal', 'verbose']),
  /** Upper limit of temperature, °C, as the device's `tempLimit`. */
  tempLimit: z.number().min(-40).max(120),
  /** Upper limit of relative humidity, %, as the device's `humidLimit`. */
  humidLimit: z.number().min(0).max(100),
});
export type Settings = z.output<typeof settings>;

/** The log level of the post, and the limits that a device has by default. */
export const defaultSettings: Settings = { loglevel: 'normal', tempLimit: 30, humidLimit: 50 };

/** Which configuration a function reads: application/environment/profile, and, in the post, a key that is not used. */
export const configurationPath = z
  .string()
  .regex(/^[\w.-]{1,64}\/[\w.-]{1,64}\/[\w.-]{1,128}(\/[\w.-]{1,128})?$/, 'must be application/environment/profile')
  .transform((path) => {
    const [application = '', environment = '', profile = ''] = path.split('/');
    return { application, environment, profile };
  });
export type ConfigurationPath = z.output<typeof configurationPath>;

/** Where AWS's agent answers, and ours. */
export const agentPort = z.coerce.number().int().min(1_024).max(65_535).default(2772);
