import type { SimulatedServiceNow } from './service-now.ts';

const endLine = /^breach [0-9a-f]{32} start=(\S+) end=([^-\s]\S*)(?: key=(\S+))?/gm;

/** Key, start and end, `<correlation id> <ISO> <ISO>`, of each breach whose end an instance tells anywhere. */
export function toldEnds(service: SimulatedServiceNow): Set<string> {
  const incidents = service.rows('incident');
  const keys = new Map(incidents.map((row) => [row['sys_id'], row['correlation_id']]));
  const texts = [
    ...incidents.map((row) => ({ of: row['sys_id'], text: `${row['description']}\n${row['close_notes']}` })),
    ...service.rows('sys_journal_field').map((row) => ({ of: row['element_id'], text: row['value'] ?? '' })),
  ];
  return new Set(
    texts.flatMap(({ of, text }) =>
      [...text.matchAll(endLine)].map(([, start, end, key = keys.get(of)]) => `${key} ${start} ${end}`),
    ),
  );
}
