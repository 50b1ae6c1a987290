import { XMLBuilder, XMLParser } from 'fast-xml-parser';

const builder = new XMLBuilder({
  ignoreAttributes: true,
  suppressEmptyNode: true,
  tagValueProcessor: (_name, value) => String(value).replaceAll(notXml, ''),
});

/** What XML 1.0 has no way to write, not even as an entity. */
const notXml = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

/** Values stay text, with their spaces. Entities are bounded by the parser's own limits and never loaded from elsewhere. */
const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, trimValues: false, htmlEntities: true });

/** An answer as the instance writes it in XML: `<response>` around it, and each entry of a list in an element of its own. */
export function toXml(value: unknown): string {
  return `<?xml version="1.0" encoding="UTF-8"?>${builder.build({ response: value })}`;
}

/**
 * What the root element holds: elements by their names, or a text where there are none. Undefined where the text is not
 * well-formed XML.
 */
export function parseXml(text: string): unknown {
  let document: unknown;
  try {
    document = parser.parse(text, true);
  } catch {
    return undefined;
  }
  if (typeof document !== 'object' || document === null) return undefined;
  const roots = Object.entries(document).filter(([name]) => !name.startsWith('?') && name !== '#text');
  return roots.length === 1 ? roots[0]?.[1] : undefined;
}
