import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage, Duration } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge.ts';
import { RoomAlarm } from '../shared/alarm.ts';
import { localBundling } from '../shared/local-bundling.ts';
import { sharedWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';

export interface GoFunctionProps {
  stage: Stage;
  room: string;
  /** Folder of the module: `new URL('./hello/', import.meta.url)`. */
  module: URL;
  timeout: Duration;
  memorySize?: number;
}

/** First release that knows all that the module uses. */
const oldestGo = '1.19';
const container = 'public.ecr.aws/docker/library/golang:1.26';

/**
 * A function in Go that its caller waits for: a binary called `bootstrap` on the bare runtime, tested and built at synthesis
 * for the stage's architecture. It has what `NodeFunction` gives those in Node.
 */
export class GoFunction extends LambdaFunction {
  constructor(scope: Construct, id: string, { stage, room, module, timeout, memorySize = 128 }: GoFunctionProps) {
    const logGroup = new LogGroup(scope, `${id}Logs`, { retention: stage.logDays, removalPolicy: stage.removalPolicy });
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
    super(scope, id, {
      code: goCode(fileURLToPath(module), stage.architecture),
      handler: 'bootstrap',
      runtime: Runtime.PROVIDED_AL2023,
      architecture: stage.architecture,
      ...{ role, logGroup, timeout, memorySize },
      loggingFormat: LoggingFormat.JSON,
      tracing: Tracing.ACTIVE,
    });
    for (const { reason } of sharedWildcards) acknowledge(role, 'AwsSolutions-IAM5[Resource::*]', reason);
    const period = Duration.minutes(1);
    new RoomAlarm(this, 'Errors', {
      ...{ stage, room, watches: 'errors', metric: this.metricErrors({ period }), threshold: 1, evaluationPeriods: 3 },
      says: `${id} of ${room} has failed in each of three minutes.`,
      runbook: 'Errors',
    });
    new RoomAlarm(this, 'Throttles', {
      ...{ stage, room, watches: 'throttles', metric: this.metricThrottles({ period }), threshold: 1 },
      evaluationPeriods: 3,
      says: `${id} of ${room} was throttled in each of three minutes.`,
      runbook: 'Throttles',
    });
  }
}

/** The tested binary. The same source gives the same bytes: neither paths nor the state of the checkout go into it. */
export function goCode(module: string, architecture: Architecture): Code {
  const GOARCH = architecture === Architecture.ARM_64 ? 'arm64' : 'amd64';
  // Nothing is fetched: neither modules, of which there are none, nor another Go.
  const settings = {
    CGO_ENABLED: '0',
    GOFLAGS: '-mod=mod -trimpath',
    GOPROXY: 'off',
    GOTOOLCHAIN: 'local',
    GOWORK: 'off',
  };
  const build = ['build', '-buildvcs=false', '-ldflags=-s -w -buildid='];
  const target = { GOOS: 'linux', GOARCH };
  return Code.fromAsset(module, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry(container),
      environment: { ...settings, GOCACHE: '/tmp/go-build' },
      command: [
        'sh',
        '-c',
        `set -e; go test ./...; GOOS=linux GOARCH=${GOARCH} go ${build.map((arg) => `'${arg}'`).join(' ')} -o /asset-output/bootstrap .`,
      ],
      local: localBundling({
        name: 'the Go function',
        probe: { tool: 'go', args: ['version'], minimum: oldestGo },
        // Tests run on this machine, whatever the function is built for.
        commands: [
          ['go', 'test', './...'],
          [
            'env',
            ...Object.entries(target).map(([name, value]) => `${name}=${value}`),
            'go',
            ...build,
            '-o',
            '{asset}/bootstrap',
            '.',
          ],
        ],
        cwd: module,
        env: settings,
      }),
    },
  });
}
