import { describe, expect, test } from 'vitest';
import { thirdPartyLicences } from './licences.ts';

const one = {
  name: 'one',
  version: '1.0.0',
  license: 'MIT',
  texts: ['Copyright A  \r\n\r\nBe free.\n'],
  readme: undefined,
};

describe('thirdPartyLicences', () => {
  test('gives each text once, under the names that it is for, in an order that does not depend on theirs', () => {
    const other = { ...one, name: 'other', version: '2.0.0' };
    const text = thirdPartyLicences([one, other]);
    expect(text).toContain('one 1.0.0 (MIT)\nother 2.0.0 (MIT)\n');
    expect(text.match(/Copyright A\n\nBe free\./g)).toHaveLength(1);
    expect(thirdPartyLicences([other, one])).toBe(text);
  });

  test.each(['## License', 'License\n-------'])('takes it from a README below "%s"', (heading) => {
    const words =
      'Copyright B. Permission is granted to everyone who finds this section in a README, and it is as long as such texts are.';
    const readme = `# two\n\n${heading}\n\n${words}\n`;
    expect(thirdPartyLicences([{ ...one, texts: [], readme }])).toContain(words);
  });

  test('points to the text of Apache-2.0 that a package does not repeat', () => {
    const text = thirdPartyLicences([{ ...one, license: 'Apache-2.0', texts: [] }]);
    expect(text).toContain('the text stands in LICENSE');
  });

  test('refuses a package that gives no text', () => {
    expect(() => thirdPartyLicences([{ ...one, texts: [], readme: '# one' }])).toThrow('one@1.0.0 has no licence text');
  });
});
