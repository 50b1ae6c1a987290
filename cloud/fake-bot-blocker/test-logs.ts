import type { FirehoseRecord } from './contract.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

export const googlebot = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
export const bingbot = 'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)';
export const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

/** One line of WAF's log: a request from an address with a user agent. */
export function logOf(clientIp: string, userAgent: string, fields: Record<string, unknown> = {}): string {
  return JSON.stringify({
    timestamp: 1_767_323_045_000,
    formatVersion: 1,
    webaclId: 'arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/FakeBotWebACL/1',
    terminatingRuleId: 'Default_Action',
    terminatingRuleType: 'REGULAR',
    action: 'ALLOW',
    httpSourceName: 'APIGW',
    ...fields,
    httpRequest: {
      clientIp,
      country: 'DE',
      headers: [
        { name: 'Host', value: 'api.example.com' },
        { name: 'User-Agent', value: userAgent },
      ],
      uri: '/',
      httpVersion: 'HTTP/1.1',
      httpMethod: 'GET',
    },
  });
}

/** The same, as Firehose hands it to a function. */
export function recordOf(recordId: string, text: string): FirehoseRecord {
  return { recordId, data: base64(text) };
}
