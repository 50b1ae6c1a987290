import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { choose, type StorageNeeds } from './choose.ts';
import { matrixTable, mostLayers, type StorageOption, storageMatrix, storageOptions } from './matrix.ts';

const mb = 1_000_000;

describe('the matrix', () => {
  const figure = z.object({
    value: z.number().min(0),
    unit: z.enum(['bytes', 'USD/GB-month', 'layers']),
    source: z.string().startsWith('https://'),
    readOn: z.iso.date(),
  });

  test('has each figure with its unit, its source and its date', () => {
    const all = Object.values(storageMatrix).flatMap(({ largestBytes, largestBytesOfPost, totalBytes, gbMonthUsd }) =>
      [largestBytes, largestBytesOfPost, totalBytes, gbMonthUsd].filter((one) => one !== undefined),
    );
    expect(all).toHaveLength(4 + 2 + 2 + 4);
    for (const one of [...all, mostLayers]) figure.parse(one);
  });

  test('says of each option what the post says, but for the limits that have changed', () => {
    const ofPost = storageOptions.map((option) => {
      const { durable, changes, kind, eventSource, tagsAndMetadata, analyticsSource, access, speedRank } =
        storageMatrix[option];
      return [option, durable, changes, kind, eventSource, tagsAndMetadata, analyticsSource, access, speedRank];
    });
    expect(ofPost).toEqual([
      ['s3', true, 'any-time', 'object', true, true, true, 'IAM', 3],
      ['tmp', false, 'any-time', 'file-system', false, false, false, 'function only', 1],
      ['layer', true, 'deploy', 'archive', false, false, false, 'IAM', 1],
      ['efs', true, 'any-time', 'file-system', false, false, false, 'IAM and NFS', 2],
    ]);
    const grown = storageOptions
      .map((option) => storageMatrix[option])
      .filter((one) => one.largestBytesOfPost !== undefined);
    for (const { largestBytes, largestBytesOfPost } of grown) {
      expect(largestBytes.value).toBeGreaterThan(largestBytesOfPost?.value ?? Number.POSITIVE_INFINITY);
    }
    expect([storageMatrix.tmp.largestBytesOfPost?.value, storageMatrix.tmp.largestBytes.value]).toEqual([
      512 * 1024 ** 2,
      10_240 * 1024 ** 2,
    ]);
  });

  test('stands in the README as it is here', () => {
    expect(readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')).toContain(matrixTable());
  });
});

describe('the choice', () => {
  const cases: [string, StorageNeeds, StorageOption | undefined][] = [
    [
      'pictures of incidents: written once, shown later, ended by a rule',
      { largestBytes: 10 * mb, totalBytes: 5_000 * mb, durable: true, changes: true, eventSource: true, expires: true },
      's3',
    ],
    [
      'sharp: native code that comes with the function',
      { largestBytes: 20 * mb, totalBytes: 20 * mb, durable: true, shared: true },
      'layer',
    ],
    [
      'an archive that is unpacked to be read',
      { largestBytes: 100 * mb, totalBytes: 200 * mb, changes: true, fileOperations: true },
      'tmp',
    ],
    [
      'a log that all functions append to',
      { largestBytes: mb, totalBytes: 900 * mb, durable: true, changes: true, shared: true, fileOperations: true },
      'efs',
    ],
    [
      'a model too large for a layer, read by all',
      { largestBytes: 2_000 * mb, totalBytes: 2_000 * mb, durable: true, shared: true },
      'efs',
    ],
    [
      'the same without a network',
      { largestBytes: 2_000 * mb, totalBytes: 2_000 * mb, durable: true, shared: true, noNetwork: true },
      's3',
    ],
    ['the lake', { largestBytes: 500 * mb, totalBytes: 1e12, analytics: true }, 's3'],
    [
      'a log that Athena reads while it is appended to',
      { largestBytes: mb, totalBytes: mb, fileOperations: true, analytics: true },
      undefined,
    ],
    ['more in one than anything takes', { largestBytes: 1e15, totalBytes: 1e15 }, undefined],
  ];
  test.each(cases)('for %s', (_what, needs, best) => {
    const [first] = choose(needs);
    expect(first?.fits === true ? first.option : undefined).toBe(best);
  });

  test('names all that rules an option out', () => {
    const ranked = choose({ largestBytes: 1, totalBytes: 1, analytics: true, fileOperations: true, durable: true });
    expect(ranked.find(({ option }) => option === 'tmp')).toEqual({
      ...{ option: 'tmp', fits: false, monthlyUsd: 0 },
      reasons: [
        '/tmp: gone with the environment of its function.',
        '/tmp: read by neither Glue, Athena nor QuickSight.',
      ],
    });
  });

  const flag = fc.option(fc.boolean(), { nil: undefined });
  const flags = [
    'durable',
    'changes',
    'shared',
    'fileOperations',
    'eventSource',
    'tagsAndMetadata',
    'expires',
    'analytics',
    'noNetwork',
  ] as const;
  const size = fc.integer({ min: 0, max: 50 }).map((exponent) => 2 ** exponent);
  const anyNeeds = fc
    .record({ largestBytes: size, totalBytes: size, wanted: fc.subarray([...flags]), refused: flag })
    .map(
      ({ wanted, ...needs }): StorageNeeds => ({ ...needs, ...Object.fromEntries(wanted.map((name) => [name, true])) }),
    );
  const fitting = (needs: StorageNeeds) => choose(needs).flatMap(({ option, fits }) => (fits ? [option] : []));

  test('has each option once, with reasons, those that fit first', () => {
    fc.assert(
      fc.property(anyNeeds, (needs) => {
        const ranked = choose(needs);
        expect(ranked.map(({ option }) => option).toSorted()).toEqual([...storageOptions].toSorted());
        for (const { reasons } of ranked) expect(reasons.length).toBeGreaterThan(0);
        const order = ranked.map(({ fits }) => Number(fits));
        expect(order).toEqual(order.toSorted((a, b) => b - a));
      }),
    );
  });

  test('is narrowed by each further need, and never widened', () => {
    fc.assert(
      fc.property(anyNeeds, fc.constantFrom(...flags), size, (needs, more, larger) => {
        const before = fitting(needs);
        for (const option of fitting({ ...needs, [more]: true })) expect(before).toContain(option);
        const grown = { largestBytes: needs.largestBytes + larger, totalBytes: needs.totalBytes + larger };
        for (const option of fitting({ ...needs, ...grown })) expect(before).toContain(option);
      }),
    );
  });
});
