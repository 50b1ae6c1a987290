/** A request to the instance's REST API, read whole. */
export interface ApiRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Headers;
  body: Uint8Array;
  /** Scheme, host and port that the client used; links in answers start with it. */
  baseUrl: string;
}

type ApiBody =
  | { kind: 'none' }
  | { kind: 'json'; value: unknown }
  | { kind: 'bytes'; contentType: string; bytes: Uint8Array };

export interface ApiAnswer {
  status: number;
  headers: Record<string, string>;
  body: ApiBody;
}

/** Who asks, and what that person may do. */
export interface Identity {
  userName: string;
  sysId: string;
  displayName: string;
  roles: ReadonlySet<Role>;
}

/**
 * - `admin`: everything.
 * - `itil`: reads and writes records; does not delete.
 * - `incident_creator`: creates incidents and cannot see them, not even its own.
 * - `reader`: reads alone.
 * A user without a role is refused.
 */
export const roles = ['admin', 'itil', 'incident_creator', 'reader'] as const;
export type Role = (typeof roles)[number];

export function json(status: number, value: unknown, headers: Record<string, string> = {}): ApiAnswer {
  return { status, headers, body: { kind: 'json', value } };
}

export function empty(status: number, headers: Record<string, string> = {}): ApiAnswer {
  return { status, headers, body: { kind: 'none' } };
}

function failure(
  status: number,
  message: string,
  detail: string | null,
  headers: Record<string, string> = {},
): ApiAnswer {
  return json(status, { error: { message, detail }, status: 'failure' }, headers);
}

/** Longest request in bytes, as the instance's property `glide.rest.max_content_length` has it. */
export const maxRequestBytes = 10_485_760;

/** The refusals of an instance, word for word: clients tell them apart by their texts. */
export const refusals = {
  notAuthenticated: () =>
    failure(401, 'User Not Authenticated', 'Required to provide Auth information', {
      'WWW-Authenticate': 'BASIC realm="Service-now"',
    }),
  invalidTable: (table: string) => failure(400, `Invalid table ${table}`, `Table ${table} does not exist`),
  noSuchResource: () => failure(400, 'Requested URI does not represent any resource', null),
  mayNotQuery: () => failure(403, 'Insufficient rights to query records', null),
  mayNotWrite: (operation: 'Insert' | 'Update' | 'Delete') =>
    failure(403, 'Operation Failed', `ACL Exception ${operation} Failed due to security constraints`),
  businessRule: (table: string, rule: string, sysId: string) =>
    failure(
      403,
      'Operation Failed',
      `Operation against file '${table}' was aborted by Business Rule '${rule}^${sysId}'. Business Rule Stack:${rule}`,
    ),
  dataPolicy: (labels: readonly string[]) =>
    failure(403, 'Operation Failed', `Data Policy Exception: The following fields are mandatory: ${labels.join(', ')}`),
  noRecord: () => failure(404, 'No Record found', "Record doesn't exist or ACL restricts the record retrieval"),
  methodNotAllowed: (method: string) => failure(405, `Method not supported: ${method}`, null),
  notAcceptable: () => failure(406, 'Not acceptable: application/json and application/xml can be produced', null),
  unsupportedMediaType: (found: string) => failure(415, `Unsupported media type: ${found}`, null),
  invalidPayload: (format: 'JSON' | 'XML') =>
    failure(400, 'Exception while reading request', `The payload is not valid ${format}.`),
  missingParameter: (name: string) => failure(400, `Missing parameter: ${name}`, null),
  tooLarge: (bytes: number) =>
    failure(
      413,
      'Exception while reading request',
      `Rejected large REST payload with content-length = ${bytes} bytes. Max allowed: ${maxRequestBytes} bytes.`,
    ),
  rateLimited: (perHour: number, headers: Record<string, string>) =>
    failure(429, 'Rate limit exceeded', `Rate limit of ${perHour} requests per hour for Table API exceeded`, headers),
  serverError: (status: number) => failure(status, 'Internal error', 'The instance could not process the request'),
};
