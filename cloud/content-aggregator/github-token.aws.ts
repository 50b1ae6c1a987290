import { GetParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { Refused } from './refused.ts';

/** The token as it is now, so that a new one counts at once. Never says what it is. */
export function readToken(ssm: Pick<SSMClient, 'send'>, name: string): () => Promise<string> {
  let known: Promise<string> | undefined;
  return () => {
    known ??= read(ssm, name).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
}

async function read(ssm: Pick<SSMClient, 'send'>, name: string): Promise<string> {
  const { Parameter } = await ssm
    .send(new GetParameterCommand({ Name: name, WithDecryption: true }))
    .catch(missing(name));
  const token = Parameter?.Value?.trim() ?? '';
  // What a header can hold, and no line of it.
  if (/^[\x21-\x7e]{1,500}$/.test(token)) return token;
  throw new Refused('GitHubRefused', `The parameter ${name} holds no token: put one into it.`);
}

function missing(name: string) {
  return (error: unknown): never => {
    if (!(error instanceof Error) || error.name !== 'ParameterNotFound') throw error;
    throw new Refused(
      'GitHubRefused',
      `There is no parameter ${name}: put a token of GitHub into it, as SecureString.`,
    );
  };
}
