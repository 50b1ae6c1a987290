import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { maxMessageBytes } from '../anomaly/anomaly.ts';
import { jsonSchemaOf, messageKinds } from './messages.ts';

/** Judges by the published JSON Schema alone. */
const published = new Map(messageKinds.map((kind) => [kind.name, z.fromJSONSchema(jsonSchemaOf(kind))]));

describe.each(messageKinds)('$name', (kind) => {
  const fits = (message: unknown) => {
    const byCode = kind.schema.safeParse(message).success;
    const bySchema = published.get(kind.name)?.safeParse(message).success;
    expect(bySchema, 'the published schema and the code agree').toBe(byCode);
    return byCode;
  };

  it('has examples that fit and are small enough to be sent', () => {
    expect(kind.examples.length).toBeGreaterThan(0);
    for (const example of kind.examples) {
      expect(fits(example)).toBe(true);
      expect(new TextEncoder().encode(JSON.stringify(example)).length).toBeLessThanOrEqual(maxMessageBytes);
    }
  });

  it('takes fields that it does not know, and a wrong version not at all', () => {
    for (const example of kind.examples) {
      expect(fits({ ...object(example), addedLater: { deep: [1] } })).toBe(true);
      expect(fits({ ...object(example), version: 2 })).toBe(false);
      expect(fits({ ...object(example), version: '1' })).toBe(false);
    }
  });

  it('misses each field that it needs', () => {
    const optional = new Set(['raw', 'reason']);
    for (const example of kind.examples) {
      for (const name of Object.keys(object(example)).filter((one) => !optional.has(one))) {
        const { [name]: _, ...rest } = object(example);
        expect(fits(rest), name).toBe(false);
      }
    }
  });

  it('is judged alike by the published schema and the code when a field holds something else', () => {
    const odd = fc.oneof(
      fc.constantFrom(
        null,
        '',
        'a\u0007',
        'firing',
        '2026-03-01',
        '2026-03-01T10:00:00Z',
        '2026-13-01T10:00:00Z',
        -1,
        0,
        1.5,
        1e300,
        [],
        {},
      ),
      fc.jsonValue({ maxDepth: 2 }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...kind.examples.map(object)), fc.nat(), odd, (example, choice, value) => {
        const names = Object.keys(example);
        fits({ ...example, [names[choice % names.length] ?? '']: value });
      }),
      { numRuns: 300 },
    );
  });

  it('says of every field what it means', () => {
    const undescribed: string[] = [];
    const walk = (schema: unknown, path: string) => {
      for (const [name, value] of Object.entries(object(schema))) {
        if (name === 'properties') {
          for (const [field, fieldSchema] of Object.entries(object(value))) {
            if (typeof object(fieldSchema)['description'] !== 'string') undescribed.push(`${path}.${field}`);
            walk(fieldSchema, `${path}.${field}`);
          }
        } else if (typeof value === 'object' && value !== null) walk(value, path);
      }
    };
    walk(jsonSchemaOf(kind), kind.name);
    expect(undescribed).toEqual([]);
  });
});

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
