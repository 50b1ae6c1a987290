import readExif from 'exif-reader';
import type { FailureReason, PictureType } from './contract.ts';
import { sharp } from './sharp.ts';

/** What a picture has to be. */
export interface PictureRules {
  allowedTypes: readonly PictureType[];
  /** Neither side may be smaller. */
  minPixels: number;
  /** Of width × height: what a decoder would have to hold. */
  maxPixels: number;
}

export type Derived =
  | { ok: true; width: number; height: number; tile: Uint8Array; scaled: Uint8Array; exif: string }
  | { ok: false; reason: FailureReason; detail: string };

/** Time for one output, s. A picture within its pixels takes less than one. */
const mostSeconds = 20;
const tileSide = 400;
const scaledWidth = 600;

/**
 * The three files of a picture: a tile of 400 × 400, the picture 600 wide, and what its camera says of it, as the post has them.
 * The same bytes give the same files. What they were taken out of is left behind: place, names, comments.
 * @param bytes as they came; nothing is believed of them
 * @param contentType what the upload said that they are
 */
export async function derive(bytes: Uint8Array, contentType: PictureType, rules: PictureRules): Promise<Derived> {
  // No more than the limit is ever decoded. Cameras write what decoders warn of; what is cut is an error.
  const open = () => sharp(bytes, { failOn: 'error', limitInputPixels: rules.maxPixels, sequentialRead: true });
  try {
    const { format, width, height, orientation, density, space, hasAlpha, exif } = await open().metadata();
    const type = `image/${format}`;
    if (type !== contentType || !rules.allowedTypes.includes(contentType)) {
      return refuse('UNSUPPORTED_TYPE', `The upload says ${contentType} and holds ${type}; ${allowed(rules)}.`);
    }
    if (Math.min(width, height) < rules.minPixels) {
      return refuse('IMAGE_TOO_SMALL', `${width} × ${height} pixels; each side has to have ${rules.minPixels}.`);
    }
    const output = () => open().autoOrient().timeout({ seconds: mostSeconds });
    const jpeg = { quality: 80 };
    const tile = await output().resize(tileSide, tileSide, { fit: 'cover' }).jpeg(jpeg).toBuffer();
    const scaled = await output().resize({ width: scaledWidth, withoutEnlargement: true }).jpeg(jpeg).toBuffer();
    const said = { width, height, format, orientation, density, space, hasAlpha, camera: cameraOf(exif) };
    return { ok: true, width, height, tile, scaled, exif: JSON.stringify(said) };
  } catch (error) {
    // Of a picture in memory nothing can fail that would not fail again.
    return failed(error, rules);
  }
}

function failed(error: unknown, rules: PictureRules): Derived {
  const message = error instanceof Error ? error.message : String(error);
  if (message.includes('exceeds pixel limit')) {
    return refuse('TOO_MANY_PIXELS', `It says that it has more than ${rules.maxPixels} pixels.`);
  }
  if (message.includes('unsupported image format')) {
    return refuse('UNSUPPORTED_TYPE', `It is no picture of a known type; ${allowed(rules)}.`);
  }
  return refuse('CORRUPT_IMAGE', message);
}

function refuse(reason: FailureReason, detail: string): Derived {
  return { ok: false, reason, detail: detail.slice(0, 500) };
}

const allowed = ({ allowedTypes }: PictureRules) => `allowed are ${allowedTypes.join(', ')}`;

/** What is kept of EXIF. Where it was taken and by whom is not: the incident says what a reader needs to know. */
const told = [
  ['Image', ['Make', 'Model', 'Software', 'DateTime']],
  ['Photo', ['DateTimeOriginal', 'ExposureTime', 'FNumber', 'ISOSpeedRatings', 'FocalLength', 'Flash']],
] as const;

/** `null` where there is none, or none that can be read: a picture is as good without. */
function cameraOf(exif: Uint8Array | undefined): Record<string, string | number> | null {
  if (exif === undefined) return null;
  try {
    const read = readExif(Buffer.from(exif));
    const found = told.flatMap(([part, names]) => {
      const tags = new Map<string, unknown>(Object.entries(read[part] ?? {}));
      return names.flatMap((name): [string, string | number][] => {
        const value = tags.get(name);
        if (value instanceof Date) return Number.isNaN(value.getTime()) ? [] : [[name, value.toISOString()]];
        if (typeof value === 'string') return [[name, value.slice(0, 100)]];
        return typeof value === 'number' && Number.isFinite(value) ? [[name, value]] : [];
      });
    });
    return Object.fromEntries(found);
  } catch {
    return null;
  }
}
