export interface TextPart {
  text: string;
  /** An address of the web; undefined for plain text. */
  url: string | undefined;
}

/** What ends a sentence is no part of the address in it. */
const address = /https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]]/g;

/** A text in parts, so that the addresses in it can be followed. Only those of the web are: nothing that runs. */
export function textParts(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let at = 0;
  for (const match of text.matchAll(address)) {
    if (match.index > at) parts.push({ text: text.slice(at, match.index), url: undefined });
    const [url] = match;
    parts.push({ text: url, url: URL.canParse(url) ? url : undefined });
    at = match.index + url.length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), url: undefined });
  return parts;
}
