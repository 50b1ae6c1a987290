import { AppError, codeOf, messageOf } from '../../device/platform/errors.ts';

/** Why AWS did not do what was asked; `absent`, `exists` and `in-use` are for code, the rest for people. */
export type AwsReason =
  | 'absent'
  | 'exists'
  | 'in-use'
  | 'not-allowed'
  | 'no-credentials'
  | 'unreachable'
  | 'busy'
  | 'aws-refused';

interface Operation {
  /** `IoTClient` */
  client: string;
  /** `CreateThingCommand` */
  command: string;
}

const reasons: Readonly<Record<string, AwsReason>> = {
  ResourceNotFoundException: 'absent',
  NoSuchEntityException: 'absent',
  NoSuchEntity: 'absent',
  NoSuchBucket: 'absent',
  NoSuchKey: 'absent',
  NotFound: 'absent',
  NotFoundException: 'absent',
  NoSuchTagSet: 'absent',
  NoSuchBucketPolicy: 'absent',
  NoSuchPublicAccessBlockConfiguration: 'absent',
  ResourceAlreadyExistsException: 'exists',
  EntityAlreadyExistsException: 'exists',
  EntityAlreadyExists: 'exists',
  ResourceExistsException: 'exists',
  BucketAlreadyOwnedByYou: 'exists',
  ConflictException: 'in-use',
  DeleteConflictException: 'in-use',
  DeleteConflict: 'in-use',
  AccessDenied: 'not-allowed',
  AccessDeniedException: 'not-allowed',
  UnauthorizedException: 'not-allowed',
  UnauthorizedOperation: 'not-allowed',
  NotAuthorizedException: 'not-allowed',
  Forbidden: 'not-allowed',
  CredentialsProviderError: 'no-credentials',
  ExpiredToken: 'no-credentials',
  ExpiredTokenException: 'no-credentials',
  InvalidClientTokenId: 'no-credentials',
  UnrecognizedClientException: 'no-credentials',
  InvalidAccessKeyId: 'no-credentials',
  SignatureDoesNotMatch: 'no-credentials',
  ThrottlingException: 'busy',
  TooManyRequestsException: 'busy',
  Throttling: 'busy',
  SlowDown: 'busy',
  // S3 is still at what was asked of the bucket before.
  OperationAborted: 'busy',
  ServiceUnavailableException: 'busy',
  InternalFailureException: 'busy',
  InternalServerException: 'busy',
  TimeoutError: 'unreachable',
};

const networkCodes = [
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'EPIPE'],
  ...['SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID'],
];

/** IAM names a few actions otherwise than the API names the call. */
const actions: Readonly<Record<string, string>> = {
  's3:HeadObject': 's3:GetObject',
  's3:HeadBucket': 's3:ListBucket',
  's3:ListObjectsV2': 's3:ListBucket',
  's3:DeleteObjects': 's3:DeleteObject',
  's3:GetPublicAccessBlock': 's3:GetBucketPublicAccessBlock',
  's3:PutPublicAccessBlock': 's3:PutBucketPublicAccessBlock',
};

/** A sentence for what AWS or the way to it said: what failed, which right is missing, what to do next. */
export function awsError(error: unknown, { client, command }: Operation): AppError {
  if (error instanceof AppError) return error;
  const name = error instanceof Error ? error.name : '';
  const action = iamAction(client.replace(/Client$/, '').toLowerCase(), command.replace(/Command$/, ''));
  const reason = reasons[name] ?? byStatus(error) ?? (isNetwork(error) ? 'unreachable' : 'aws-refused');
  // Not the error itself: it carries the request, and with it a session token.
  const cause = new Error(`${name}: ${messageOf(error)}`);
  return new AppError(reason, sentence(reason, error, action), { cause });
}

function sentence(reason: AwsReason, error: unknown, action: string): string {
  const said = messageOf(error).trim() || 'no reason given';
  switch (reason) {
    case 'not-allowed': {
      const [, missing = action, resource] = /perform:? ([\w-]+:\w+)(?: on resource:? (\S+))?/.exec(said) ?? [];
      const on = resource === undefined ? '' : ` on ${resource.replace(/[.,]$/, '')}`;
      return `these credentials may not do ${missing}${on}. Attach the policy that npm run provision -- permissions prints to their role, and run this again.`;
    }
    case 'no-credentials':
      return `there are no valid AWS credentials (${said}). Log in (aws sso login, AWS_PROFILE or the AWS_ACCESS_KEY_ID family), and run this again.`;
    case 'unreachable':
      return `AWS does not answer to ${action} (${codeOf(error) ?? said}). Check the network, --region, AWS_ENDPOINT_URL and, for an authority of your own, NODE_EXTRA_CA_CERTS; then run this again.`;
    case 'busy':
      return `AWS is busy or limits the rate (${action}: ${said}). Run this again in a minute; what is done stays done.`;
    default:
      return `AWS refused ${action}: ${said.replace(/\.$/, '')}. Mend what it names and run this again; what is done stays done.`;
  }
}

/** The right that a call of the API needs: `iamAction('s3', 'HeadObject')` is `s3:GetObject`. */
export function iamAction(service: string, call: string): string {
  const action = `${service === 'greengrassv2' ? 'greengrass' : service}:${call}`;
  return actions[action] ?? action;
}

function byStatus(error: unknown): AwsReason | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const metadata: unknown = error.$metadata;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : undefined;
  if (status === 403) return 'not-allowed';
  if (status === 404) return 'absent';
  return status === 429 || status === 503 ? 'busy' : undefined;
}

function isNetwork(error: unknown): boolean {
  return networkCodes.includes(codeOf(error) ?? '');
}

/** What is not there is `undefined`. */
export async function orAbsent<T>(call: Promise<T>): Promise<T | undefined> {
  return orAt(call, 'absent');
}

/** What is there already was made by the run before. */
export async function orExists<T>(call: Promise<T>): Promise<T | undefined> {
  return orAt(call, 'exists');
}

async function orAt<T>(call: Promise<T>, reason: AwsReason): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof AppError && error.reason === reason) return undefined;
    throw error;
  }
}
