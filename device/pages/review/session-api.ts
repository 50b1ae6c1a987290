import * as z from 'zod/mini';

/** Who is logged in, and what that person may do. */
const sessionSchema = z.object({
  userName: z.string(),
  sysId: z.string(),
  name: z.string(),
  mayWrite: z.boolean(),
  userToken: z.string(),
});
export type Session = z.infer<typeof sessionSchema>;

/** Rejects where the instance does not answer. */
export async function currentSession(): Promise<Session | undefined> {
  const response = await fetch('/review/session');
  return z.nullable(sessionSchema).parse(await response.json()) ?? undefined;
}

/** Answers the session, or a sentence that says why there is none. */
export async function logIn(userName: string, password: string): Promise<Session | string> {
  try {
    const response = await fetch('/review/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ userName, password }),
    });
    const body: unknown = await response.json();
    if (response.ok) return sessionSchema.parse(body);
    const refusal = z.object({ error: z.string() }).safeParse(body);
    return refusal.success ? refusal.data.error : `The instance refused with status ${response.status}.`;
  } catch {
    return 'The instance does not answer. Check that it runs, then try again.';
  }
}

export async function logOut(): Promise<void> {
  await fetch('/review/logout', { method: 'POST' });
}
