import { z } from 'zod';

/** What a user pool asks before it takes somebody in, as far as it is used here. */
const preSignUpEvent = z.looseObject({
  triggerSource: z.string(),
  request: z.looseObject({ userAttributes: z.record(z.string(), z.string()) }),
});

/**
 * Takes in whoever signs up with a mail address of one of these domains; the code that is mailed there proves it. Whom an
 * operator makes an account for is taken in with any address.
 * @param domains in lower case; a subdomain is another domain
 * @returns the event, which is the answer that the pool goes on with
 * @throws Error whose message the person at the page reads
 */
export function admitAccount(event: unknown, domains: readonly string[]): unknown {
  const { triggerSource, request } = preSignUpEvent.parse(event);
  if (triggerSource === 'PreSignUp_AdminCreateUser') return event;
  // All after the last @, as a quoted local part may hold one.
  const domain = /@([^@]+)$/.exec(request.userAttributes['email'] ?? '')?.[1]?.toLowerCase();
  if (triggerSource === 'PreSignUp_SignUp' && domain !== undefined && domains.includes(domain)) return event;
  throw new Error('Accounts are for mail addresses of the organisation. Ask the operators of this API for one.');
}
