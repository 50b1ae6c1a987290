import { isIP } from 'node:net';
import { z } from 'zod';
import { AppError } from '../../device/platform/errors.ts';

/** Set by `npm run test:cloud` for its tests; `scripts/cloud` writes them and this module reads them. */
export const accountVariables = {
  /** File of the stacks' outputs, as the CDK writes it. */
  outputs: 'CLOUD_TEST_OUTPUTS',
  /** Folder for what a test writes; goes with the run. */
  folder: 'CLOUD_TEST_FOLDER',
  /** The AWS account that was asked for with `--account`; absent on the local one. */
  account: 'CLOUD_TEST_ACCOUNT',
  /** `{stage: folder}`: cloud assemblies of the rooms that are there already, for tests of templates; JSON. */
  assemblies: 'CLOUD_TEST_ASSEMBLIES',
  /** AWS's Runtime Interface Emulator, and the folder of the `node` that functions run on; absent on AWS. */
  runtimeEmulator: 'CLOUD_TEST_RUNTIME_EMULATOR',
  node24: 'CLOUD_TEST_NODE_24',
} as const;

export interface TestAccount {
  id: string;
  region: string;
  /** The local one, else AWS. */
  isLocal: boolean;
  /** https://127.0.0.1:4566; undefined on AWS. */
  endpoint: string | undefined;
  outputsFile: string;
  folder: string;
}

export const localAccountId = '000000000000';

const environment = z.object({
  AWS_REGION: z.string().min(1),
  [accountVariables.outputs]: z.string().min(1),
  [accountVariables.folder]: z.string().min(1),
  [accountVariables.account]: z
    .string()
    .regex(/^\d{12}$/)
    .optional(),
});

/**
 * The account that the tests of this process run on.
 * @throws AppError `no-account` outside of `npm run test:cloud`; `not-local` where an endpoint is not loopback, or none is
 *   set, and no AWS account was asked for: no test reaches AWS by accident
 */
export function readAccount(env: NodeJS.ProcessEnv): TestAccount {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    throw new AppError('no-account', 'These tests run on the local AWS account: npm run test:cloud -- FILE starts it.');
  }
  const { AWS_REGION: region, CLOUD_TEST_ACCOUNT: asked } = parsed.data;
  const { CLOUD_TEST_OUTPUTS: outputsFile, CLOUD_TEST_FOLDER: folder } = parsed.data;
  if (asked === undefined) requireLoopback(env);
  return {
    id: asked ?? localAccountId,
    region,
    isLocal: asked === undefined,
    endpoint: env['AWS_ENDPOINT_URL'],
    outputsFile,
    folder,
  };
}

/**
 * Whether the SDK, by this environment, talks to nothing but this machine.
 * @throws AppError `not-local`
 */
export function requireLoopback(env: NodeJS.ProcessEnv): void {
  const what = 'Without --account ID every client stays on this machine, but';
  if (env['AWS_ENDPOINT_URL'] === undefined) throw new AppError('not-local', `${what} AWS_ENDPOINT_URL is not set.`);
  if (env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] === 'true') {
    throw new AppError('not-local', `${what} AWS_IGNORE_CONFIGURED_ENDPOINT_URLS makes the SDK ignore the endpoints.`);
  }
  for (const [name, url] of Object.entries(env)) {
    if (!name.startsWith('AWS_ENDPOINT_URL') || url === undefined || isLoopback(url)) continue;
    throw new AppError('not-local', `${what} ${name} is ${url}.`);
  }
}

function isLoopback(url: string): boolean {
  const host = URL.canParse(url) ? new URL(url).hostname.replaceAll(/^\[|\]$/g, '') : '';
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
