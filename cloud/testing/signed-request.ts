import type { Keys } from './clients.ts';
import { account } from './clients.ts';
import { type HttpAnswer, type HttpRequest, http } from './http-request.ts';
import { signRequest } from './sign-request.ts';

/**
 * A request to an API whose routes want a signature (`AWS_IAM`), signed by the owner of these keys; with another service,
 * to that service itself.
 */
export async function signedHttp(
  keys: Keys,
  url: string,
  { service = 'execute-api', ...request }: HttpRequest & { service?: string } = {},
): Promise<HttpAnswer> {
  const headers = await signRequest({ keys, region: account.region, service }, url, request);
  return http(url, { ...request, headers });
}
