import readExif from 'exif-reader';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { derive, type PictureRules } from './derive.ts';

const rules: PictureRules = { allowedTypes: ['image/jpeg'], minPixels: 500, maxPixels: 4_000_000 };

const plain = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: { r: 200, g: 40, b: 20 } } });
const jpeg = (width: number, height: number) => plain(width, height).jpeg().toBuffer();

describe('a picture', () => {
  test('becomes a tile of 400 × 400, a picture 600 wide, and what its camera says', async () => {
    const bytes = await plain(1_200, 900)
      .withExif({
        IFD0: { Make: 'ACME', Model: 'T1', Artist: 'Jane Doe' },
        IFD2: { DateTimeOriginal: '2026:01:02 03:04:05' },
        IFD3: { GPSLatitude: '47/1 22/1 30/1', GPSLatitudeRef: 'N' },
      })
      .jpeg()
      .toBuffer();
    expect(readExif((await sharp(bytes).metadata()).exif ?? Buffer.alloc(0)).GPSInfo).toBeDefined();
    const derived = await derive(bytes, 'image/jpeg', rules);
    if (!derived.ok) throw new Error(derived.detail);
    expect(await sharp(derived.tile).metadata()).toMatchObject({ format: 'jpeg', width: 400, height: 400 });
    expect(await sharp(derived.scaled).metadata()).toMatchObject({ format: 'jpeg', width: 600, height: 450 });
    expect(JSON.parse(derived.exif)).toMatchObject({
      ...{ width: 1_200, height: 900, format: 'jpeg' },
      camera: { Make: 'ACME', Model: 'T1', DateTimeOriginal: '2026-01-02T03:04:05.000Z' },
    });
    // Neither who took it nor where.
    expect(derived.exif).not.toMatch(/Jane|GPS|47/);
    for (const file of [derived.tile, derived.scaled]) expect((await sharp(file).metadata()).exif).toBeUndefined();
  });

  test('that comes again gives the same bytes (duplicate)', async () => {
    const bytes = await jpeg(800, 600);
    expect(await derive(bytes, 'image/jpeg', rules)).toEqual(await derive(bytes, 'image/jpeg', rules));
  });

  test('that was held sideways is turned', async () => {
    const bytes = await plain(1_200, 900).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const derived = await derive(bytes, 'image/jpeg', rules);
    if (!derived.ok) throw new Error(derived.detail);
    expect(await sharp(derived.scaled).metadata()).toMatchObject({ width: 600, height: 800 });
  });
});

describe('what is no picture', () => {
  const svg = Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="900"><rect width="9" height="9"/></svg>',
  );
  const cases: [string, string, () => Promise<Uint8Array> | Uint8Array][] = [
    ['IMAGE_TOO_SMALL', 'a picture with a side that is too short', () => jpeg(900, 499)],
    ['UNSUPPORTED_TYPE', 'a PNG that says it is a JPEG', () => plain(600, 600).png().toBuffer()],
    ['UNSUPPORTED_TYPE', 'an SVG, which no decoder is asked about', () => svg],
    ['UNSUPPORTED_TYPE', 'a WebP', () => plain(600, 600).webp().toBuffer()],
    ['UNSUPPORTED_TYPE', 'text', () => Buffer.from('no picture at all')],
    ['TOO_MANY_PIXELS', 'a decompression bomb', () => jpeg(2_001, 2_000)],
    ['CORRUPT_IMAGE', 'a picture that was cut', async () => (await jpeg(900, 900)).subarray(0, 1_500)],
  ];
  test.each(cases)('is refused as %s: %s', async (reason, _what, bytes) => {
    expect(await derive(await bytes(), 'image/jpeg', rules)).toMatchObject({ ok: false, reason });
  });

  test('of any other format than two, no decoder is asked', async () => {
    for (const bytes of [svg, await plain(600, 600).webp().toBuffer(), await plain(600, 600).gif().toBuffer()]) {
      expect(await derive(bytes, 'image/jpeg', rules)).toMatchObject({ detail: expect.stringContaining('known type') });
    }
  });

  test('a PNG is refused where it is not allowed, and taken where it is', async () => {
    const bytes = await plain(600, 600).png().toBuffer();
    expect(await derive(bytes, 'image/png', rules)).toMatchObject({ ok: false, reason: 'UNSUPPORTED_TYPE' });
    const both: PictureRules = { ...rules, allowedTypes: ['image/jpeg', 'image/png'] };
    expect(await derive(bytes, 'image/png', both)).toMatchObject({ ok: true });
  });

  test('whatever bytes come, they are taken or refused with a reason, and nothing is thrown (poison)', async () => {
    const good = await jpeg(600, 600);
    const damaged = fc
      .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 20 })
      .map((changes) => changes.reduce((bytes, [at, value]) => bytes.fill(value, at, at + 1), Buffer.from(good)));
    const reasons = z.union([
      z.object({ ok: z.literal(true) }),
      z.object({ ok: z.literal(false), reason: z.string().min(1) }),
    ]);
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), async (bytes) => {
        reasons.parse(await derive(bytes, 'image/jpeg', rules));
      }),
      { numRuns: 40 },
    );
  });
});
