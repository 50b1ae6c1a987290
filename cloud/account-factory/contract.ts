import { z } from 'zod';

/** Upper bound of `max_iterations`: a day of the machine's time has as many steps, each with its longest call. */
export const mostIterations = 240;

/** Regions of AWS, as of November 2026; a test compares them with those that the CDK knows. */
export const regions: readonly string[] = [
  ...['af-south-1'],
  ...[
    'ap-east-1',
    'ap-east-2',
    'ap-northeast-1',
    'ap-northeast-2',
    'ap-northeast-3',
    'ap-south-1',
    'ap-south-2',
    'ap-southeast-1',
    'ap-southeast-2',
    'ap-southeast-3',
    'ap-southeast-4',
    'ap-southeast-5',
    'ap-southeast-6',
    'ap-southeast-7',
  ],
  ...['ca-central-1', 'ca-west-1'],
  ...['cn-north-1', 'cn-northwest-1'],
  ...[
    'eu-central-1',
    'eu-central-2',
    'eu-isoe-west-1',
    'eu-north-1',
    'eu-south-1',
    'eu-south-2',
    'eu-west-1',
    'eu-west-2',
    'eu-west-3',
  ],
  ...['eusc-de-east-1'],
  ...['il-central-1'],
  ...['me-central-1', 'me-south-1', 'me-west-1'],
  ...['mx-central-1'],
  ...['sa-east-1'],
  ...[
    'us-east-1',
    'us-east-2',
    'us-gov-east-1',
    'us-gov-west-1',
    'us-iso-east-1',
    'us-iso-west-1',
    'us-isob-east-1',
    'us-isob-west-1',
    'us-isof-east-1',
    'us-isof-south-1',
    'us-west-1',
    'us-west-2',
  ],
];

/** A place of YAML is read as the text that stands there, so that an account keeps its leading zeros and a version its `.0`. */
const text = (longest: number) => z.string().trim().min(1, 'is empty').max(longest);
const accountId = z.string().regex(/^\d{12}$/, 'is no account id, which has twelve digits');
/** With `<account>-` before it, the name of a provisioned product, which takes 128 characters. */
const provisionName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    'is no name: letters, digits, dots, underscores and hyphens, at most 100',
  );
const wholeNumber = z
  .string()
  .regex(/^\d{1,4}$/, 'is no whole number from 0 to 240')
  .transform(Number)
  .refine((number) => number <= mostIterations, 'is no whole number from 0 to 240');

const product = z.strictObject({
  product_name: text(200).describe('A part of the name of a product in the portfolio; of several the newest is meant.'),
  product_version: text(200).optional().describe('Name of the provisioning artifact; the newest where absent.'),
  portfolio_name: text(100).describe('Display name of the portfolio, which is the name of the launch path too.'),
  provision_name: provisionName.describe('The provisioned product is called `<account>-<provision_name>`.'),
  dependson: z.array(provisionName).max(50).default([]).describe('Provision names that have to be deployed before.'),
  parameters: z
    .array(z.strictObject({ Key: text(100), Value: z.string().max(4_000) }))
    .max(60)
    .default([])
    .describe('Values may hold {accountid} and {masteraccountid}.'),
  regions: z
    .array(z.string().refine((name) => regions.includes(name), 'is no region of AWS'))
    .min(1)
    .max(40)
    .describe('Where it is deployed in each account.'),
});
export type Product = z.infer<typeof product>;

const products = z.array(product).min(1).max(50);

/** `config.yml`: what every new account gets (`default`), and what those of one organisational unit get. */
export const configurationFile = z.strictObject({
  organization_units: z.record(text(128), z.strictObject({ products })),
  max_iterations: wholeNumber.default(0).describe('Steps until the baseline has timed out; 0 is the stack’s.'),
});
export type ConfigurationFile = z.infer<typeof configurationFile>;

const updatedProduct = product
  .extend({
    accounts: z.array(accountId).max(500).default([]),
    organization_units: z.array(text(128)).max(50).default([]),
    deployifnotexist: z
      .enum(['true', 'false'], 'is neither true nor false')
      .default('false')
      .transform((word) => word === 'true')
      .describe('Whether it is deployed where it is not; else such accounts and regions are left out.'),
  })
  .refine(({ accounts, organization_units: units }) => accounts.length + units.length > 0, {
    message: 'has neither accounts nor organization_units',
  });

/** `update.yml`: products that existing accounts are to have. */
export const updateFile = z.strictObject({
  products: z.array(updatedProduct).min(1).max(50),
  max_iterations: wholeNumber.default(0),
});
export type UpdateFile = z.infer<typeof updateFile>;

/** Source of Control Tower's events; the local account refuses theirs, and a test tells them under another source. */
export const controlTowerSource = { aws: 'aws.controltower', local: 'greengrass-itsm.controltower' } as const;

const controlTowerEvent = z.object({
  'detail-type': z.literal('AWS Service Event via CloudTrail'),
  detail: z.object({
    eventName: z.literal('CreateManagedAccount'),
    serviceEventDetails: z.object({
      createManagedAccountStatus: z.object({
        state: z.literal('SUCCEEDED'),
        account: z.object({ accountId, accountName: z.string().max(100) }),
        organizationalUnit: z.object({ organizationalUnitName: text(128) }),
      }),
    }),
  }),
});

const objectEvent = z.object({
  'detail-type': z.literal('Object Created'),
  source: z.literal('aws.s3'),
  detail: z.object({
    bucket: z.object({ name: z.string() }),
    object: z.object({
      key: text(1_024),
      'version-id': text(1_024).optional(),
      /** Another one for each time that an object is written. */
      sequencer: text(100),
    }),
  }),
});

/** What the queue holds: an account that Control Tower has made, or a file that was uploaded. */
export const factoryEvent = z.union([
  controlTowerEvent.transform(({ detail }) => {
    const { account, organizationalUnit } = detail.serviceEventDetails.createManagedAccountStatus;
    return {
      kind: 'account-created' as const,
      account: account.accountId,
      accountName: account.accountName,
      organizationalUnit: organizationalUnit.organizationalUnitName,
    };
  }),
  objectEvent.transform(({ detail: { bucket, object } }) => ({
    kind: 'file-uploaded' as const,
    bucket: bucket.name,
    key: object.key,
    versionId: object['version-id'],
    sequencer: object.sequencer,
  })),
]);
export type FactoryEvent = z.infer<typeof factoryEvent>;

/** A product with what Service Catalog calls it, for one account. */
const resolvedProduct = z.object({
  provision_name: provisionName,
  product_name: z.string(),
  product_id: z.string(),
  version: z.string(),
  artifact_id: z.string(),
  portfolio_id: z.string(),
  portfolio_name: z.string(),
  dependson: z.array(provisionName),
  parameters: z.array(z.object({ Key: z.string(), Value: z.string() })),
  regions: z.array(z.string()).describe('Those of this operation: an update of a product may leave out some.'),
});
export type ResolvedProduct = z.infer<typeof resolvedProduct>;

const toldProduct = z.object({ provision_name: z.string(), why: z.string() });

/** Status of a baseline: the first two go on, all others are an end. */
export const baselineStatus = z.enum(['init', 'progress', 'done', 'partially-failed', 'failed', 'timed-out']);
export type BaselineStatus = z.infer<typeof baselineStatus>;

/** Input and output of each step of the state machine: one account, and how far each of its products is. */
export const baselineDocument = z.object({
  account: accountId,
  origin: z.string().describe('The file and its version.'),
  status: baselineStatus,
  provision_products: z.array(resolvedProduct),
  update_products: z.array(
    resolvedProduct.extend({
      operation: z.enum(['UPDATE', 'CREATE']).describe('CREATE adds regions to a product that is there.'),
    }),
  ),
  started_products: z.array(
    z.object({ provision_name: z.string(), record: z.string().describe('Of Service Catalog.') }),
  ),
  deployed_products: z.array(z.string()),
  failed_products: z.array(toldProduct),
  skipped_products: z.array(
    toldProduct.extend({ meant: z.boolean().describe('Left out as the file says; else something failed before it.') }),
  ),
  max_iterations: z.int().min(1).max(mostIterations),
  iteration: z.int().min(0),
});
export type BaselineDocument = z.infer<typeof baselineDocument>;

/** Why a message can never be used. */
export const parkingReasons = [
  /** Not JSON. */
  'not-json',
  /** Neither of the two events. */
  'bad-schema',
  /** The file that it asks for is not there. */
  'no-file',
  /** The file is not what it has to be: the notification has each place. */
  'bad-configuration',
  /** Service Catalog or Organizations do not know what the file names, or it asks for what may not be. */
  'refused',
] as const;
export type ParkingReason = (typeof parkingReasons)[number];
