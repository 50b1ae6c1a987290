import { type CodeBuildClient, StartBuildCommand } from '@aws-sdk/client-codebuild';
import type { RebuildPorts } from './rebuild.ts';

export function createBuilds(codeBuild: Pick<CodeBuildClient, 'send'>, projectName: string): RebuildPorts['builds'] {
  return {
    async start(token) {
      const { build } = await codeBuild.send(new StartBuildCommand({ projectName, idempotencyToken: token }));
      if (build?.id === undefined) throw new Error(`CodeBuild started no build of ${projectName} and gave no reason.`);
      return build.id;
    },
  };
}
