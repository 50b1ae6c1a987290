import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { CfnIPSet } from 'aws-cdk-lib/aws-wafv2';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { stageOf } from '../stages.ts';
import { describeRoom, type SynthesisedRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { resourcesOf } from '../testing/template.ts';
import { crawlersCalled, crawlers as known } from './crawlers.ts';
import { FakeBotAcl } from './fake-bot-acl.ts';
import { rights } from './rights.ts';
import { type FakeBotBlockerProps, FakeBotBlockerStack } from './stack.ts';
import { bingbot, firefox, googlebot } from './test-logs.ts';
import { blocks } from './test-waf.ts';
import { wildcards } from './wildcards.ts';

const room = 'fake-bot-blocker';
// The CDK takes seconds to build its first stack.
vi.setConfig({ testTimeout: 60_000 });
describeRoom(room, { rights, wildcards });

describe(room, () => {
  const built = new Map<'local' | 'prod', SynthesisedRoom>();

  beforeAll(async () => {
    for (const stage of ['local', 'prod'] as const) built.set(stage, await synthesiseRoom(room, stage));
  }, 120_000);

  const resources = (type: string, stage: 'local' | 'prod' = 'prod') =>
    [...(built.get(stage)?.stacks.values() ?? [])].flat().filter(({ Type }) => Type === type);
  const one = (type: string) => resources(type)[0]?.Properties ?? {};
  const rule = () => z.object({ Rules: z.array(z.unknown()) }).parse(one('AWS::WAFv2::WebACL')).Rules[0];

  test('synth: the web ACL stops who says it is a crawler from an address in a set, and nobody else', () => {
    const ip = (text: string) => ({ ip: text, sets: { 'WebAcl/Ipv4': ['192.0.2.1'], 'WebAcl/Ipv6': ['2001:db8::1'] } });
    const template = [...(built.get('prod')?.stacks.values() ?? [])].flat();
    const stopped = (from: string, userAgent: string) => blocks(rule(), { ...ip(from), userAgent }, template);
    expect(stopped('192.0.2.1', googlebot)).toBe(true);
    expect(stopped('192.0.2.1', bingbot.toUpperCase())).toBe(true);
    expect(stopped('2001:db8::1', bingbot)).toBe(true);
    expect(stopped('192.0.2.2', googlebot)).toBe(false);
    expect(stopped('192.0.2.1', firefox)).toBe(false);
    expect(stopped('192.0.2.1', 'BingSapphire/31.4')).toBe(false);
  });

  test('synth: it allows what no rule stops, only counts what the common rules say, and keeps the names of the post', () => {
    const metric = (MetricName: string) => ({ VisibilityConfig: { MetricName } });
    expect(one('AWS::WAFv2::WebACL')).toMatchObject({
      ...{ Name: 'FakeBotWebACL', Scope: 'REGIONAL', DefaultAction: { Allow: {} }, ...metric('FakeBotWebACLMetric') },
      Rules: [
        { Name: 'BlockFakeBots', Priority: 0, Action: { Block: {} }, ...metric('BlockFakeBotsMetric') },
        {
          ...{ Priority: 1, OverrideAction: { Count: {} }, ...metric('RuleWithAWSManagedRulesMetric') },
          Statement: { ManagedRuleGroupStatement: { VendorName: 'AWS', Name: 'AWSManagedRulesCommonRuleSet' } },
        },
      ],
    });
    expect(resources('AWS::WAFv2::IPSet').map(({ Properties }) => Properties)).toMatchObject([
      { Name: 'BlockFakeBotIPSet', IPAddressVersion: 'IPV4', Addresses: [] },
      { Name: 'BlockFakeBotIPSetV6', IPAddressVersion: 'IPV6', Addresses: [] },
    ]);
  });

  test('synth: its log goes through the function to the bucket, without what lets somebody in', () => {
    const [stream] = resources('AWS::KinesisFirehose::DeliveryStream');
    expect(stream?.Properties).toMatchObject({
      DeliveryStreamName: 'aws-waf-logs-FakeBotBlockerStack',
      DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' },
      ExtendedS3DestinationConfiguration: {
        ...{ Prefix: 'waf-firehose/!{timestamp:yyyy/MM/dd/}', CompressionFormat: 'UNCOMPRESSED' },
        ...{ ErrorOutputPrefix: 'undelivered/!{firehose:error-output-type}/' },
        BufferingHints: { IntervalInSeconds: 900, SizeInMBs: 3 },
        ProcessingConfiguration: {
          Enabled: true,
          Processors: [
            {
              Type: 'Lambda',
              Parameters: expect.arrayContaining([
                { ParameterName: 'BufferSizeInMBs', ParameterValue: '1' },
                { ParameterName: 'BufferIntervalInSeconds', ParameterValue: '60' },
                { ParameterName: 'NumberOfRetries', ParameterValue: '3' },
              ]),
            },
          ],
        },
      },
    });
    expect(one('AWS::WAFv2::LoggingConfiguration')).toMatchObject({
      LogDestinationConfigs: [{ 'Fn::GetAtt': [stream?.logicalId, 'Arn'] }],
      RedactedFields: ['authorization', 'cookie', 'x-api-key'].map((Name) => ({ SingleHeader: { Name } })),
    });
  });

  test('synth: a refresh comes each hour, and only the local functions ask a DNS server of their own', () => {
    expect(one('AWS::Events::Rule')).toMatchObject({ ScheduleExpression: 'rate(1 hour)', State: 'ENABLED' });
    const servers = (stage: 'local' | 'prod') =>
      resources('AWS::Lambda::Function', stage).find(({ path }) => path === 'Transform')?.Properties['Environment'];
    expect(servers('prod')).toMatchObject({ Variables: { DNS_SERVERS: '', CRAWLERS: 'google,bing', TTL_DAYS: '14' } });
    expect(servers('local')).toMatchObject({ Variables: { DNS_SERVERS: '127.0.0.1:5300' } });
  });

  test('synth: nothing decided is told of by the share of all questions, however few suspects a batch has', () => {
    const alarm = resources('AWS::CloudWatch::Alarm').find(({ path }) => path === 'NothingDecided');
    expect(alarm?.Properties).toMatchObject({
      ...{ MetricName: 'LookUpsFailed', Statistic: 'Average', Period: 900, Threshold: 0.9, EvaluationPeriods: 3 },
    });
  });

  describe('with options', () => {
    const props = { stage: stageOf('prod'), scope: 'REGIONAL', ipSetName: 'Set', logStreamArn: 'arn' } as const;
    /** The web ACL alone, without a function to bundle. */
    const aclWith = (crawlers: readonly string[], resourceArns: readonly string[] = []) => {
      const context = { 'aws:cdk:enable-path-metadata': true };
      const stack = new Stack(new App({ outdir: folder(), analyticsReporting: false, context }), 'Alone');
      new FakeBotAcl(stack, 'WebAcl', { ...props, crawlers: crawlersCalled(crawlers), resourceArns });
      return resourcesOf(Template.fromStack(stack).toJSON());
    };
    const folder = () => {
      const made = mkdtempSync(join(tmpdir(), 'greengrass-itsm-fake-bots-'));
      onTestFinished(() => rmSync(made, { recursive: true }));
      return made;
    };

    test('synth: the web ACL stands before what it is told to', () => {
      const arn = 'arn:aws:apigateway:eu-west-1::/restapis/abc123/stages/prod';
      const associated = aclWith(['google'], [arn]).find(({ Type }) => Type === 'AWS::WAFv2::WebACLAssociation');
      expect(associated?.Properties).toMatchObject({
        ResourceArn: arn,
        WebACLArn: { 'Fn::GetAtt': expect.anything() },
      });
    });

    test.each(Object.entries(known))('synth: the crawler %s can be given alone', (name, { userAgent }) => {
      const resources = aclWith([name]);
      const acl = resources.find(({ Type }) => Type === 'AWS::WAFv2::WebACL')?.Properties['Rules'];
      const request = { ip: '192.0.2.1', sets: { 'WebAcl/Ipv4': ['192.0.2.1'] } };
      const [rule] = z.array(z.unknown()).parse(acl);
      expect(blocks(rule, { ...request, userAgent: `a ${userAgent.toUpperCase()} b` }, resources)).toBe(true);
      expect(blocks(rule, { ...request, userAgent: firefox }, resources)).toBe(false);
    });

    test('synth: a crawler that the table does not have, or none at all, is refused', () => {
      expect(() => crawlersCalled(['altavista'])).toThrow('No crawler is called "altavista"');
      expect(() => aclWith([])).toThrow('Name at least one crawler');
    });

    test('synth: before distributions it lies in us-east-1, and they name it themselves', () => {
      const stackWith = (options: Partial<FakeBotBlockerProps>) => {
        const app = new App({ outdir: folder(), analyticsReporting: false });
        return new FakeBotBlockerStack(app, { stage: stageOf('prod'), ...options });
      };
      const stack = stackWith({});
      expect(stack.region).toBe('us-east-1');
      const scopes = stack.node.findAll().flatMap((node) => (node instanceof CfnIPSet ? [node.scope] : []));
      expect(scopes).toEqual(['CLOUDFRONT', 'CLOUDFRONT']);
      const arn = 'arn:aws:cloudfront::111122223333:distribution/E1';
      expect(() => stackWith({ resourceArns: [arn] })).toThrow('give it the output WebAclArn as webAclId');
      expect(() => stackWith({ allowCidrs: ['192.0.2.0'] })).toThrow('"192.0.2.0" is no range');
    });
  });
});
