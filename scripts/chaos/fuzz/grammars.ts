import fc from 'fast-check';

/** Names that mean something to JavaScript, SQL, shells, paths, logs or terminals. */
const hostileNames = ['__proto__', 'constructor', 'prototype', 'toString', 'length', '', '*', '+', '#', '$', '..', '/'];

const hostileTexts = [
  ...hostileNames,
  ...['\u0000', '\ud800', '\u202e', '\ufeff', '\u001b[2J', '\r\n', "' OR 1=1 --", '^NQ', '^OR', '@', '%00', '%', '%zz'],
  ...['{{x}}', '=1+1', '<!ENTITY a "b">', '../../etc/passwd', '1e999', '-0', 'NaN', 'Infinity', '0x10', '1_0'],
  ...['2026-02-30T00:00:00Z', '9999-12-31T23:59:59.999Z', '+275760-09-13T00:00:00Z', '0000-01-01T00:00:00Z', '24:00'],
];

const hostileNumbers = [
  ...[-1, -0, 0.1 + 0.2, 1e21, 5e-324, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 8.64e15, 8.64e15 + 1],
  ...[Number.MAX_VALUE, Number.MIN_SAFE_INTEGER],
];

/** A text, mostly short, sometimes what a program trips over, sometimes long. */
export const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 24 }) },
  { weight: 3, arbitrary: fc.constantFrom(...hostileTexts) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 24 }) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.string({ minLength: 1, maxLength: 3 }), fc.integer({ min: 100, max: 3_000 })).map(repeated),
  },
);

/** Levels of a nested value. Making JSON takes their square, so a depth that breaks a recursion is one of many. */
const depth = fc.oneof(
  { weight: 19, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 1, arbitrary: fc.integer({ min: 60, max: 3_000 }) },
);

const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: text },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(...hostileNumbers, null, true, false, {}, []) },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 1, arbitrary: depth.map(nested) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

/** One thing done to a value: at which of its places, counted from the root through all that is in it, and what. */
const change = fc.record({
  place: fc.nat(),
  how: fc.constantFrom('replace', 'remove', 'rename', 'add', 'repeat'),
  name: fc.oneof(fc.constantFrom(...hostileNames), text),
  by: value,
});

/** A valid value, or one that up to three changes have made nearly valid. */
export function nearly(valid: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc
    .tuple(fc.constantFrom(...valid), fc.array(change, { maxLength: 3 }))
    .map(([whole, changes]) => changes.reduce((changed, one) => applied(changed, one), whole));
}

/** What may be done to a text after it was written. */
const damage = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  how: fc.constantFrom('cut', 'insert', 'drop', 'double', 'flip'),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
});

/** A text as bytes: valid, nearly (damaged in up to two places), or bytes of no meaning. */
export function bytesOf(texts: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    {
      weight: 9,
      arbitrary: fc
        .tuple(texts, fc.array(damage, { maxLength: 2 }))
        .map(([whole, damages]) => damages.reduce(damaged, new TextEncoder().encode(whole))),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 600 }) },
  );
}

/** Bytes of JSON around valid values. */
export const jsonBytes = (valid: readonly unknown[]): fc.Arbitrary<Uint8Array> =>
  bytesOf(nearly(valid).map((any) => JSON.stringify(any)));

/** Joins words of a grammar and, now and then, anything else. */
export function sentence(words: readonly string[], maxWords: number, by = ''): fc.Arbitrary<string> {
  const word = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...words) }, { weight: 1, arbitrary: text });
  return fc.array(word, { maxLength: maxWords }).map((parts) => parts.join(by));
}

function repeated([part, times]: [string, number]): string {
  return part.repeat(times);
}

function nested(depth: number): unknown {
  let inner: unknown = [];
  for (let level = 0; level < depth; level += 1) inner = level % 2 === 0 ? [inner] : { a: inner };
  return inner;
}

type Change = typeof change extends fc.Arbitrary<infer C> ? C : never;

function applied(whole: unknown, one: Change): unknown {
  // Deep values are not walked: their nesting is the point of them.
  let left = one.place % Math.max(1, places(whole, 0));
  const walk = (at: unknown, depth: number): unknown => {
    const isHere = left === 0;
    left -= 1;
    if (isHere) return one.how === 'replace' || !isGroup(at) ? one.by : changedGroup(at, one);
    if (!isGroup(at) || depth > deepest) return at;
    if (Array.isArray(at)) return at.map((item: unknown) => walk(item, depth + 1));
    return fromEntries(Object.entries(at).map(([name, inner]) => [name, walk(inner, depth + 1)]));
  };
  return walk(whole, 0);
}

const deepest = 8;

function places(at: unknown, depth: number): number {
  if (!isGroup(at) || depth > deepest) return 1;
  return Object.values(at).reduce((sum: number, inner: unknown) => sum + places(inner, depth + 1), 1);
}

function isGroup(at: unknown): at is object {
  return typeof at === 'object' && at !== null;
}

function changedGroup(at: object, { how, name, by, place }: Change): unknown {
  if (Array.isArray(at)) {
    const index = at.length === 0 ? 0 : place % at.length;
    if (how === 'remove') return at.filter((_item, nth) => nth !== index);
    if (how === 'repeat') return Array.from({ length: timesOf(at[index], 300) }, () => at[index] ?? by);
    return [...at, by];
  }
  const entries: [string, unknown][] = Object.entries(at);
  const index = entries.length === 0 ? 0 : place % entries.length;
  const [oldName = name, old = by] = entries[index] ?? [];
  const others = entries.filter((_entry, nth) => nth !== index);
  if (how === 'remove') return fromEntries(others);
  if (how === 'rename') return fromEntries([...others, [name, old]]);
  if (how === 'repeat') {
    return fromEntries([
      ...entries,
      ...Array.from({ length: timesOf(old, 100) }, (_x, nth): [string, unknown] => [`${oldName}${nth}`, old]),
    ]);
  }
  return fromEntries([...entries, [name, by]]);
}

/** What was repeated before is not multiplied: three changes would make millions of it. */
function timesOf(repeated: unknown, most: number): number {
  return places(repeated, 0) > 50 ? 2 : most;
}

/** Also `__proto__` becomes a property of its own, as it does in parsed JSON. */
function fromEntries(entries: [string, unknown][]): { [name: string]: unknown } {
  return Object.fromEntries(entries);
}

type Damage = typeof damage extends fc.Arbitrary<infer D> ? D : never;

function damaged(whole: Uint8Array, { at, how, bytes }: Damage): Uint8Array {
  const index = Math.floor(at * whole.length);
  const before = whole.subarray(0, index);
  const after = whole.subarray(index);
  switch (how) {
    case 'cut':
      return before;
    case 'insert':
      return Buffer.concat([before, bytes, after]);
    case 'drop':
      return Buffer.concat([before, after.subarray(bytes.length)]);
    case 'double':
      return Buffer.concat([before, after.subarray(0, 40), after]);
    default: {
      const flipped = Buffer.from(whole);
      if (index < flipped.length) flipped[index] = (flipped[index] ?? 0) ^ (bytes[0] ?? 1);
      return flipped;
    }
  }
}
