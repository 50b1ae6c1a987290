import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseXml, toXml } from './xml.ts';

describe('XML', () => {
  test('an answer has its entries in one element each, and empty elements where there is nothing', () => {
    expect(toXml({ result: [{ number: 'INC1', caller: { link: 'l', value: 'v' } }, { number: '' }] })).toBe(
      '<?xml version="1.0" encoding="UTF-8"?><response><result><number>INC1</number><caller><link>l</link><value>v</value></caller></result><result><number/></result></response>',
    );
    expect(toXml({ result: [] })).toBe('<?xml version="1.0" encoding="UTF-8"?><response/>');
    expect(toXml({ error: { message: 'm', detail: null }, status: 'failure' })).toContain(
      '<error><message>m</message><detail/></error><status>failure</status>',
    );
  });

  test('a value comes back as it went, but for what XML cannot hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (one, other) => {
        const value = `${one} </a> &amp; ${other}`;
        const expected = value.replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '');
        const lines = (text: string) => text.replaceAll(/\r\n?/g, '\n');
        const root = parseXml(toXml({ value }));
        expect(lines(JSON.parse(JSON.stringify(root)).value)).toBe(lines(expected));
      }),
    );
  });

  test('a document is its root’s elements, as text, with entities and CDATA resolved', () => {
    expect(parseXml('<?xml version="1.0"?><r><a>01 &#10;&lt;</a><b><![CDATA[<i>]]></b><c/></r>')).toEqual({
      a: '01 \n<',
      b: '<i>',
      c: '',
    });
    expect(parseXml('<r/>')).toBe('');
  });

  test.each([
    ['nothing', ''],
    ['no XML', 'hello'],
    ['an open element', '<r><a></r>'],
    ['two roots', '<a/><b/>'],
    ['a name that would reach the prototype', '<r><__proto__>x</__proto__></r>'],
    ['elements without end', '<a>'.repeat(100_000)],
    ['elements too deep', '<a>'.repeat(100_000) + '</a>'.repeat(100_000)],
  ])('%s is no document', (_case, text) => {
    expect(parseXml(text)).toBeUndefined();
  });

  test('entities that multiply stay small', () => {
    const entities = Array.from({ length: 20 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(20)}">`).join('');
    const text = `<!DOCTYPE r [<!ENTITY e0 "0123456789">${entities}]><r><a>&e20;</a></r>`;
    expect(JSON.stringify(parseXml(text) ?? '').length).toBeLessThan(200_000);
  });

  test('no file is read for an entity', () => {
    const text = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><r><a>&x;</a></r>';
    expect(parseXml(text)).toSatisfy((root) => root === undefined || JSON.stringify(root).includes('&x;'));
  });
});
