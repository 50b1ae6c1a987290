import type { SimulatedServiceNow } from './service-now.ts';

const endLine = /^breach [0-9a-f]{32} start=(\S+) end=([^-\s]\S*)/gm;

/** Start and end, `<ISO> <ISO>`, of each breach whose end an instance tells anywhere. */
export function toldEnds(service: SimulatedServiceNow): Set<string> {
  const texts = [
    ...service.rows('incident').flatMap((row) => [row['description'] ?? '', row['close_notes'] ?? '']),
    ...service.rows('sys_journal_field').map((row) => row['value'] ?? ''),
  ];
  return new Set(texts.flatMap((text) => [...text.matchAll(endLine)].map(([, start, end]) => `${start} ${end}`)));
}
