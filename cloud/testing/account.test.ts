import { describe, expect, it } from 'vitest';
import { readAccount } from './account.ts';

const local = {
  AWS_ENDPOINT_URL: 'https://127.0.0.1:4566',
  AWS_REGION: 'eu-west-1',
  CLOUD_TEST_OUTPUTS: 'outputs.json',
  CLOUD_TEST_FOLDER: 'run',
};

describe('the account of the tests', () => {
  it('is the local one where every endpoint is loopback', () => {
    expect(readAccount(local)).toMatchObject({ isLocal: true, id: '000000000000', endpoint: 'https://127.0.0.1:4566' });
    expect(
      readAccount({
        ...local,
        AWS_ENDPOINT_URL_S3: 'https://[::1]:4566',
        AWS_ENDPOINT_URL_WAFV2: 'http://localhost:5000',
      }).isLocal,
    ).toBe(true);
  });

  it.each([
    ['AWS_ENDPOINT_URL is not set', { AWS_ENDPOINT_URL: undefined }],
    [
      'AWS_ENDPOINT_URL is https://sts.eu-west-1.amazonaws.com',
      { AWS_ENDPOINT_URL: 'https://sts.eu-west-1.amazonaws.com' },
    ],
    ['AWS_ENDPOINT_URL_S3 is http://127.0.0.1.example.com', { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1.example.com' }],
    ['AWS_ENDPOINT_URL_S3 is 127.0.0.1', { AWS_ENDPOINT_URL_S3: '127.0.0.1' }],
    ['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }],
  ])('refuses to leave the machine: %s', (words, change) => {
    expect(() => readAccount({ ...local, ...change })).toThrow(words);
  });

  it('is an AWS account only where one was asked for', () => {
    const { AWS_ENDPOINT_URL: _, ...noEndpoint } = local;
    expect(readAccount({ ...noEndpoint, CLOUD_TEST_ACCOUNT: '123456789012' })).toMatchObject({
      isLocal: false,
      id: '123456789012',
    });
  });

  it('is told how to start where there is none', () => {
    expect(() => readAccount({})).toThrow('npm run test:cloud');
  });
});
