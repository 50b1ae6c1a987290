import { XMLBuilder, XMLParser } from 'fast-xml-parser';
import { z } from 'zod';

/** How the facade and ServiceNow speak: the media type, a body from fields, and what an answer holds. */
export interface TableFormat {
  media: string;
  write(fields: Readonly<Record<string, string>>): string;
  /** `{ result }` or `{ error }` of an answer; undefined where the text is neither, or is more than an answer needs. */
  read(text: string): TableAnswer | undefined;
}

const record = z.record(z.string(), z.unknown());
const tableAnswer = z.object({
  result: z.union([z.array(record), record]).optional(),
  error: z.object({ message: z.string().nullish(), detail: z.string().nullish() }).optional(),
});
export type TableAnswer = z.infer<typeof tableAnswer>;

export const jsonFormat: TableFormat = {
  media: 'application/json',
  write: (fields) => JSON.stringify(fields),
  read(text) {
    try {
      return tableAnswer.safeParse(JSON.parse(text)).data;
    } catch {
      return undefined;
    }
  },
};

/** Elements in elements: answer, result, field. */
const deepest = 8;

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: false,
  maxNestedTags: deepest,
  // The five of XML and numbers (&#10;). None can be defined, as what has a DOCTYPE is not parsed.
  htmlEntities: true,
  isArray: (_name, path) => path === 'response.result',
});

const builder = new XMLBuilder({ ignoreAttributes: true, suppressEmptyNode: true });

/** What XML 1.0 has no way to write, not even as an entity. */
const notXml = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

const response = z.object({ response: z.unknown() });

export const xmlFormat: TableFormat = {
  media: 'application/xml',
  write(fields) {
    const clean = Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, value.replaceAll(notXml, '')]),
    );
    return `<?xml version="1.0" encoding="UTF-8"?>${builder.build({ request: { entry: clean } })}`;
  },
  read(text) {
    if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) return undefined;
    try {
      const root = response.safeParse(parser.parse(text, true));
      // An empty list is an element without any.
      if (root.data?.response === '') return { result: [] };
      return tableAnswer.safeParse(root.data?.response).data;
    } catch {
      return undefined;
    }
  },
};
