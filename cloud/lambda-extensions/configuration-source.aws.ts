import {
  type AppConfigDataClient,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata';
import type { ConfigurationSource } from './configuration-cache.ts';

/** Hosted configurations are at most 2 MB. */
const largestContent = 2 * 1024 * 1024;

/** Sessions of AppConfig's data plane. */
export function createConfigurationSource(client: Pick<AppConfigDataClient, 'send'>): ConfigurationSource {
  return {
    async start({ application, environment, profile }) {
      const { InitialConfigurationToken = '' } = await client.send(
        new StartConfigurationSessionCommand({
          ApplicationIdentifier: application,
          EnvironmentIdentifier: environment,
          ConfigurationProfileIdentifier: profile,
        }),
      );
      return InitialConfigurationToken;
    },
    async latest(token) {
      const {
        Configuration,
        ContentType,
        VersionLabel,
        NextPollConfigurationToken = '',
      } = await client.send(new GetLatestConfigurationCommand({ ConfigurationToken: token }));
      const content = Configuration === undefined ? '' : Buffer.from(Configuration).toString();
      if (content.length > largestContent) throw new Error('The configuration is larger than AppConfig allows.');
      return {
        token: NextPollConfigurationToken,
        // Empty where it is as it was.
        changed:
          content === ''
            ? undefined
            : { content, contentType: ContentType ?? 'application/octet-stream', version: VersionLabel },
      };
    },
  };
}
