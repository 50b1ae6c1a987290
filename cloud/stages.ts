import { RemovalPolicy } from 'aws-cdk-lib';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { z } from 'zod';

export const stageName = z.enum(['local', 'dev', 'prod']);
export type StageName = z.infer<typeof stageName>;

const stageSettings = z.strictObject({
  /** Whether a stateful resource outlives its stack, and its own replacement. */
  keepsState: z.boolean(),
  /** Whether tables, user pools and file systems refuse to be deleted. */
  deletionProtection: z.boolean(),
  /** Whether what is paid by the hour has a second one, in another zone, that takes over. */
  standby: z.boolean(),
  /** Days that logs are kept: a value that CloudWatch Logs knows. */
  logDays: z.union([
    z.literal(RetentionDays.ONE_WEEK),
    z.literal(RetentionDays.ONE_MONTH),
    z.literal(RetentionDays.ONE_YEAR),
  ]),
  /** Days that raw readings and raw objects are kept. */
  rawDataDays: z.int().min(1).max(3_650),
  /** Hours that a stream keeps its records: as long as a person may take to come and read them again. */
  streamHours: z.int().min(24).max(8_760),
  /** Days that a parked or dead message waits for a person; SQS allows 14. */
  restingMessageDays: z.int().min(1).max(14),
  architecture: z.enum(['arm64', 'x86_64']),
  /** Whom an alarm tells: a topic of the room's own stack, or one that the account's people already listen to. */
  alarmTarget: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('own-topic') }),
    z.strictObject({ kind: z.literal('shared-topic'), name: z.string().regex(/^[A-Za-z0-9_-]{1,256}$/) }),
  ]),
});

const settingsOf: Record<StageName, z.input<typeof stageSettings>> = {
  local: {
    keepsState: false,
    deletionProtection: false,
    standby: false,
    logDays: RetentionDays.ONE_WEEK,
    rawDataDays: 30,
    streamHours: 24,
    restingMessageDays: 1,
    // Functions run on the machine itself.
    architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
    alarmTarget: { kind: 'own-topic' },
  },
  dev: {
    keepsState: false,
    deletionProtection: false,
    standby: false,
    logDays: RetentionDays.ONE_MONTH,
    rawDataDays: 30,
    streamHours: 24,
    restingMessageDays: 14,
    architecture: 'arm64',
    alarmTarget: { kind: 'own-topic' },
  },
  prod: {
    keepsState: true,
    deletionProtection: true,
    standby: true,
    logDays: RetentionDays.ONE_YEAR,
    rawDataDays: 400,
    streamHours: 7 * 24,
    restingMessageDays: 14,
    architecture: 'arm64',
    alarmTarget: { kind: 'shared-topic', name: 'greengrass-itsm-alarms' },
  },
};

/** What a stage decides, in the words of the CDK. Nothing else in cloud/ may decide it. */
export interface Stage extends Omit<z.infer<typeof stageSettings>, 'architecture' | 'keepsState'> {
  name: StageName;
  /** For every stateful resource. */
  removalPolicy: RemovalPolicy;
  architecture: Architecture;
}

/** @throws z.ZodError where a stage's settings are not allowed. */
export function stageOf(name: StageName): Stage {
  const { architecture, keepsState, ...settings } = stageSettings.parse(settingsOf[name]);
  return {
    ...settings,
    name,
    removalPolicy: keepsState ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    architecture: architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
  };
}
