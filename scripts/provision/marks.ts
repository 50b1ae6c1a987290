/**
 * How what `create` made is told from what others made. Where AWS takes tags it is a tag; things have attributes, objects
 * have metadata, and certificates have neither: they are known by their keys, which the thing lists.
 */
export const markKey = 'greengrass-itsm';
export const markValue = 'provision';

export const markTags = { [markKey]: markValue };
export const markTagList = [{ Key: markKey, Value: markValue }];

/** Component versions carry the digest of what they were made of. */
export const contentTag = 'greengrass-itsm-content';

export const thingMark = 'provisionedBy';
export const thingKeys = 'provisionedKeys';
/** At most as many as fit into an attribute's 800 characters. */
export const mostKeys = 24;

/** Metadata of an object. */
export const objectMark = 'made-by';
export const objectDigest = 'sha256';

export function hasMark(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): boolean {
  return tags?.some(({ Key, Value }) => Key === markKey && Value === markValue) === true;
}
