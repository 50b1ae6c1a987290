import { fileURLToPath } from 'node:url';
import { ArnFormat, Aws, CfnMapping, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import {
  Application,
  ConfigurationContent,
  DeploymentStrategy,
  Environment,
  HostedConfiguration,
  JsonSchemaValidator,
  Monitor,
  Platform,
  RolloutStrategy,
} from 'aws-cdk-lib/aws-appconfig';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Grant, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, type ILayerVersion, LayerVersion } from 'aws-cdk-lib/aws-lambda';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { Construct } from 'constructs';
import { RoomAlarm } from '../shared/alarm.ts';
import { bundleExtension } from '../shared/bundle.ts';
import { metricsNamespace, NodeFunction } from '../shared/node-function.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { defaultSettings, type Settings } from './contract.ts';
import { CustomRuntimeFunction } from './custom-runtime-function.ts';
import { settingsSchema } from './settings-schema.ts';
import { wildcards } from './wildcards.ts';

const room = 'lambda-extensions';
const here = (path: string) => new URL(path, import.meta.url);

export interface LambdaExtensionsProps {
  stage: Stage;
  applicationName?: string;
  environmentName?: string;
  profileName?: string;
  /** What the first deployment puts in force. */
  initialSettings?: Settings;
  /** Of its own, so that whoever tries the room changes no credentials of the product. */
  secretName?: string;
  demoFunctionName?: string;
}

/** External and internal extensions of Lambda: the lifecycle of the post, secrets before the function, settings by AppConfig. */
export class LambdaExtensionsStack extends Stack {
  constructor(scope: Construct, props: LambdaExtensionsProps) {
    super(scope, 'LambdaExtensionsStack', { description: 'Extensions of Lambda: lifecycle, secrets, AppConfig' });
    const { stage, secretName = 'extensions-demo-creds' } = props;
    const { demoFunctionName = 'custom-runtime-extension-demo-function' } = props;

    const demo = this.lifecycle(stage, demoFunctionName);
    const showSecret = this.secrets(stage, secretName);
    const { application, environment, profile, changes, showers } = this.settings(props);

    const outputs: Record<string, string> = {
      DemoName: demo.functionName,
      ShowSecretName: showSecret.functionName,
      ShowSecretRoleName: showSecret.role?.roleName ?? '',
      Settings1Name: showers[0]?.functionName ?? '',
      Settings1RoleName: showers[0]?.role?.roleName ?? '',
      Settings2Name: showers[1]?.functionName ?? '',
      Settings2RoleName: showers[1]?.role?.roleName ?? '',
      ApplicationId: application.applicationId,
      EnvironmentId: environment.environmentId,
      ProfileId: profile.configurationProfileId,
      AtOnceStrategyId: changes.atOnce.deploymentStrategyId,
      GradualStrategyId: changes.gradual.deploymentStrategyId,
      RollbackAlarmName: changes.alarm.alarmName,
    };
    for (const [id, value] of Object.entries(outputs)) new CfnOutput(this, id, { value });
    allowWildcards(this, wildcards);
  }

  /** The demonstration of the post: a runtime in one layer, an extension in the other. */
  private lifecycle(stage: Stage, functionName: string): CustomRuntimeFunction {
    return new CustomRuntimeFunction(this, 'Demo', {
      ...{ stage, room, functionName, code: here('./custom-runtime-function'), handler: 'function.handler' },
      layers: [
        this.scripts('custom-runtime-layer', 'A runtime in bash'),
        this.scripts('extensions-layer', 'An external extension in bash'),
      ],
      timeout: Duration.seconds(100),
      memorySize: 128,
      environment: { EXTENSION_INIT_SECONDS: '1', EXTENSION_WORK_SECONDS: '5', EXTENSION_SHUTDOWN_SECONDS: '1' },
    });
  }

  /** A function whose secrets lie in files before it is loaded, and whose runtime is started by a wrapper. */
  private secrets(stage: Stage, secretName: string): NodeFunction {
    const config = {
      SecretManagers: [{ prefix: '', secrets: [{ secretname: secretName, required: true }] }],
      SecretsHome: '/tmp/secrets',
    };
    const fn = new NodeFunction(this, 'ShowSecret', {
      ...{ stage, room, invoked: 'sync', entry: here('./show-secret.lambda.ts'), timeout: Duration.seconds(15) },
      // JSON is YAML.
      files: { 'config.yaml': `${JSON.stringify(config, undefined, 2)}\n` },
      environment: { AWS_LAMBDA_EXEC_WRAPPER: '/opt/measure-start' },
    });
    fn.addExtension(this.extension('secrets-prefetch', 'Secrets in files before the function'), {
      entry: here('./secrets-prefetch.lambda.ts'),
    });
    fn.addLayers(this.scripts('wrapper-layer', 'An internal extension: the runtime is started by a wrapper'));
    Grant.addToPrincipal({
      grantee: fn,
      actions: ['secretsmanager:GetSecretValue'],
      resourceArns: [
        this.formatArn({
          ...{
            service: 'secretsmanager',
            resource: 'secret',
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            resourceName: `${secretName}-??????`,
          },
        }),
      ],
    });
    return fn;
  }

  /** Two functions that go by one configuration, which changes without them. */
  private settings(props: LambdaExtensionsProps) {
    const { stage, initialSettings = defaultSettings } = props;
    const { applicationName = 'DemoExtensionApplication', environmentName = 'Production' } = props;
    const { profileName = 'LoggingLevel' } = props;

    const alarm = new RoomAlarm(this, 'SettingsErrors', {
      ...{ stage, room, watches: 'errors', threshold: 3, runbook: 'Settings' },
      metric: new Metric({
        ...{ namespace: metricsNamespace, metricName: 'SettingsErrors', dimensionsMap: { service: room } },
        ...{ statistic: Stats.SUM, period: Duration.minutes(1) },
      }),
      says: 'Functions could not read their settings three times in a minute; a deployment that goes on is taken back.',
    });
    const application = new Application(this, 'Application', { applicationName });
    const rollbackRole = new Role(this, 'RollbackRole', {
      assumedBy: new ServicePrincipal('appconfig.amazonaws.com'),
      inlinePolicies: {
        SeeAlarms: new PolicyDocument({
          statements: [new PolicyStatement({ actions: ['cloudwatch:DescribeAlarms'], resources: ['*'] })],
        }),
      },
    });
    const environment = new Environment(this, 'Environment', {
      ...{ application, environmentName, monitors: [Monitor.fromCloudWatchAlarm(alarm, rollbackRole)] },
    });
    const atOnce = new DeploymentStrategy(this, 'AtOnce', {
      deploymentStrategyName: 'AllAtOnce',
      rolloutStrategy: RolloutStrategy.linear({
        ...{ growthFactor: 100, deploymentDuration: Duration.minutes(0), finalBakeTime: Duration.minutes(0) },
      }),
    });
    // What is in force already is changed with this one: an alarm takes it back, to the end of its bake time.
    const gradual = new DeploymentStrategy(this, 'Gradual', {
      deploymentStrategyName: 'Gradual',
      rolloutStrategy: RolloutStrategy.linear({
        ...{ growthFactor: 20, deploymentDuration: Duration.minutes(10), finalBakeTime: Duration.minutes(10) },
      }),
    });
    const profile = new HostedConfiguration(this, 'Profile', {
      ...{ application, name: profileName, deployTo: [environment], deploymentStrategy: atOnce },
      content: ConfigurationContent.fromInlineJson(JSON.stringify(initialSettings)),
      validators: [JsonSchemaValidator.fromInline(JSON.stringify(settingsSchema()))],
    });
    const agent = this.agent(stage);
    const showers = ['Settings1', 'Settings2'].map((id) => {
      const fn = new NodeFunction(this, id, {
        ...{ stage, room, invoked: 'sync', entry: here('./show-settings.lambda.ts'), timeout: Duration.seconds(10) },
        environment: {
          APPCONFIG_PROFILE: `${applicationName}/${environmentName}/${profileName}/LogLevel`,
          AWS_APPCONFIG_EXTENSION_PREFETCH_LIST: `/applications/${applicationName}/environments/${environmentName}/configurations/${profileName}`,
          AWS_APPCONFIG_EXTENSION_POLL_INTERVAL_SECONDS: '45',
        },
      });
      // AWS's agent calls what ours calls.
      fn.addExtension(agent, { entry: here('./config-agent.lambda.ts') });
      Grant.addToPrincipal({
        grantee: fn,
        actions: ['appconfig:GetLatestConfiguration', 'appconfig:StartConfigurationSession'],
        resourceArns: [`${environment.environmentArn}/configuration/${profile.configurationProfileId}`],
      });
      return fn;
    });
    return { application, environment, profile, changes: { atOnce, gradual, alarm }, showers };
  }

  /** AWS's own AppConfig agent; ours in the account that cannot have a layer of AWS's. */
  private agent(stage: Stage): ILayerVersion {
    if (stage.name === 'local') return this.extension('config-agent', 'Answers for AppConfig on port 2772');
    const platform = stage.architecture === Architecture.ARM_64 ? Platform.ARM_64 : Platform.X86_64;
    const mapping = new CfnMapping(this, 'AgentLayers', {
      mapping: Object.fromEntries(
        RegionInfo.regions.flatMap(({ name }) => {
          const arn = agentLayerArn(name, platform);
          return arn === undefined ? [] : [[name, { arn }]];
        }),
      ),
    });
    return LayerVersion.fromLayerVersionArn(this, 'AgentLayer', mapping.findInMap(Aws.REGION, 'arn'));
  }

  private extension(name: string, description: string): LayerVersion {
    const code = bundleExtension(here(`./${name}.lambda.ts`), name);
    return new LayerVersion(this, `${name}-layer`, { code, description });
  }

  /** A folder of scripts as they are. */
  private scripts(name: string, description: string): LayerVersion {
    return new LayerVersion(this, name, { code: Code.fromAsset(fileURLToPath(here(`./${name}`))), description });
  }
}

/** Undefined where a region has none. */
function agentLayerArn(region: string, platform: Platform): string | undefined {
  try {
    return Application.getLambdaLayerVersionArn(region, platform) || undefined;
  } catch {
    return undefined;
  }
}
