import { textParts } from './text-parts.ts';

/** A text whose addresses can be followed. */
export function LinkedText({ text }: { text: string }) {
  return (
    <>
      {textParts(text).map((part, index) =>
        part.url === undefined ? (
          part.text
        ) : (
          <a key={index} href={part.url} target="_blank" rel="noreferrer">
            {part.text}
          </a>
        ),
      )}
    </>
  );
}
