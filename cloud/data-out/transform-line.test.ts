import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readingMessage } from '../../device/reading/reading.ts';
import { type DestinationTemplate, destinationTemplate, readingsCsv, recordingJson } from './contract.ts';
import { csvValue, splitCsvLine } from './csv-line.ts';
import { lineTransform } from './transform-line.ts';

const made = (template: DestinationTemplate, text: string | Buffer, offset = 100) =>
  lineTransform(template).transform({ offset, bytes: Buffer.from(text) });

/** As a device publishes it. */
const reading = readingMessage.parse({
  ...{ version: 1, site: 'hall "2", east', deviceId: 'press-5', ts: '2026-11-24T10:00:00.000Z', seq: 7 },
  ...{ metrics: { temperature: 21.5 }, bootId: 'b1', monotonicMs: 5, clockSynchronised: true, clockSource: 'chrony' },
});

describe('a line for a destination', () => {
  test('a reading is a row, with values where the template wants them', () => {
    expect(lineTransform(readingsCsv).head).toBe('device,timestamp,site,temperature,humidity\n');
    expect(made(readingsCsv, JSON.stringify(reading))).toEqual({
      kind: 'out',
      text: 'press-5,2026-11-24T10:00:00.000Z,"hall ""2"", east",21.5,\n',
    });
  });

  test('a row of a CSV is JSON, and its header is no record', () => {
    expect(made(recordingJson, 'timestamp,temperature,humidity', 0)).toEqual({ kind: 'blank' });
    expect(made(recordingJson, '"2026-01-01",21.5,\r')).toEqual({
      kind: 'out',
      text: '{"at":"2026-01-01","celsius":"21.5"}\n',
    });
  });

  test.each([
    ['not-json', '{"deviceId":'],
    ['not-an-object', '[1]'],
    ['not-an-object', 'null'],
    ['field-missing', '{"deviceId":"a"}'],
    ['field-missing', '{"deviceId":"a","ts":""}'],
    ['not-utf8', Buffer.from([0x7b, 0xff, 0x7d])],
  ])('what is %s is refused (poison)', (reason, text) => {
    expect(made(readingsCsv, text)).toEqual({ kind: 'refused', reason });
  });

  test('a value that lies so deep that it cannot be written is refused, in either output', () => {
    const deep = `{"deviceId":${'['.repeat(100_000)}${']'.repeat(100_000)},"ts":"t"}`;
    const ndjson = destinationTemplate.parse({ ...readingsCsv, output: 'ndjson' });
    for (const template of [readingsCsv, ndjson]) {
      expect(made(template, deep)).toEqual({ kind: 'refused', reason: 'too-deep' });
    }
  });

  test.each([
    ['columns-differ', '1,2'],
    ['not-csv', '"a,2,3'],
    ['not-csv', 'a"b,2,3'],
  ])('a row that is %s is refused (bad schema)', (reason, text) => {
    expect(made(recordingJson, text)).toEqual({ kind: 'refused', reason });
  });

  test('a blank line is none, a long one is refused, and what a prototype has is no field', () => {
    expect(made(readingsCsv, ' \r')).toEqual({ kind: 'blank' });
    expect(lineTransform(readingsCsv).transform({ offset: 0, bytes: undefined })).toEqual({
      kind: 'refused',
      reason: 'too-long',
    });
    const odd = destinationTemplate.parse({
      ...{ name: 'odd', input: { format: 'ndjson' }, output: 'ndjson', concurrency: 2 },
      fields: [{ from: 'constructor.name', to: 'x' }],
    });
    expect(made(odd, '{}')).toEqual({ kind: 'out', text: '{}\n' });
  });

  test('whatever values there are, a row that is written is read as it was, by us and by others', () => {
    const value = fc.string().filter((text) => !/[\r\n]/.test(text));
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), (values) => {
        const line = values.map(csvValue).join(',');
        expect(splitCsvLine(line)).toEqual(values);
        if (line !== '') expect(parse(line)).toEqual([values]);
      }),
    );
  });
});
