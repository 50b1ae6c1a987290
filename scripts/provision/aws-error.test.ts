import { describe, expect, test } from 'vitest';
import { AppError } from '../../device/platform/errors.ts';
import { awsError, orAbsent } from './aws-error.ts';

const failure = (name: string, message: string, more: object = {}) =>
  Object.assign(new Error(message), { name, ...more });
const operation = { client: 'IoTClient', command: 'CreateThingCommand' };
const denied =
  'User: arn:aws:sts::1:assumed-role/x/y is not authorized to perform: iot:CreateThing on resource: arn:aws:iot:eu-west-1:1:thing/a because no identity-based policy allows it';

describe('what AWS refuses', () => {
  test.each([
    [
      failure('AccessDeniedException', denied),
      'not-allowed',
      /iot:CreateThing on arn:aws:iot:eu-west-1:1:thing\/a\. Attach/,
    ],
    [failure('AccessDenied', 'Access Denied'), 'not-allowed', /may not do iot:CreateThing\. Attach/],
    [failure('Whatever', 'no', { $metadata: { httpStatusCode: 403 } }), 'not-allowed', /iot:CreateThing/],
    [failure('ExpiredTokenException', 'expired'), 'no-credentials', /Log in/],
    [failure('CredentialsProviderError', 'none'), 'no-credentials', /Log in/],
    [failure('Error', 'connect', { code: 'ECONNREFUSED' }), 'unreachable', /ECONNREFUSED.*AWS_ENDPOINT_URL/],
    [failure('Error', 'x', { code: 'SELF_SIGNED_CERT_IN_CHAIN' }), 'unreachable', /NODE_EXTRA_CA_CERTS/],
    [failure('ThrottlingException', 'Rate exceeded'), 'busy', /in a minute/],
    [
      failure('InvalidRequestException', 'name too long.'),
      'aws-refused',
      /refused iot:CreateThing: name too long\. Mend/,
    ],
  ])('is told with what to do: %s', (error, reason, sentence) => {
    expect(awsError(error, operation)).toMatchObject({ reason, message: expect.stringMatching(sentence) });
  });

  test('names the right by the name that IAM has for it', () => {
    const error = awsError(failure('Forbidden', ''), { client: 'S3Client', command: 'HeadObjectCommand' });
    expect(error.message).toContain('s3:GetObject');
    const other = awsError(failure('AccessDeniedException', ''), {
      client: 'GreengrassV2Client',
      command: 'CreateDeploymentCommand',
    });
    expect(other.message).toContain('greengrass:CreateDeployment');
  });

  test('carries no request along, which would hold a token', () => {
    const error = awsError(failure('AccessDenied', 'no', { $response: { headers: { token: 'sesame' } } }), operation);
    expect(JSON.stringify([error.cause, Object.entries(error)])).not.toContain('sesame');
  });

  test('is no failure where what is looked for is absent', async () => {
    expect(await orAbsent(Promise.reject(new AppError('absent', '')))).toBeUndefined();
    await expect(orAbsent(Promise.reject(new AppError('not-allowed', 'x')))).rejects.toThrow('x');
  });
});
