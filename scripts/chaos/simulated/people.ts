import { type Chronicle, type Deed, type Finding, isForgotten } from './chronicle.ts';

const [onHold, resolved, closed, canceled] = ['3', '6', '7', '8'];
const markerPattern = /\[([0-9a-f]{32}):\d+\]/g;

/**
 * Writes of the edge that undid what a person had decided and the edge had seen: another state for what is on hold, unless
 * it is a double, closed or canceled; another incident for a breach whose own was deleted; the same breach again in what a person resolved.
 */
export function peopleOverruled(chronicle: Chronicle): Finding[] {
  const named = new Map<string, Set<string>>();
  const found: Finding[] = [];
  for (const write of chronicle.writes) {
    const { service, sysId, method, table, fields, before, seenModCount, atMs } = write;
    if (table !== 'incident') continue;
    const inIncident = named.get(sysId) ?? new Set();
    named.set(sysId, inIncident);
    const markers = [...(fields['work_notes'] ?? '').matchAll(markerPattern)].map(([, id = '']) => id);
    const opener = fields['correlation_display'];
    const say = (what: string) => found.push({ invariant: 'people come first', what });

    if (method === 'POST' && opener !== undefined) {
      const deleted = chronicle.deleted.find((one) => one.service === service && one.atMs < atMs && tells(one, opener));
      if (deleted !== undefined && !isForgotten(deleted, chronicle))
        say(`breach ${opener} was opened again after its incident was deleted`);
    }
    const from = before?.['state'];
    const to = fields['state'];
    if (method === 'PATCH' && to !== undefined && from !== undefined && to !== from) {
      const deed = decided(chronicle.deeds, service, sysId, atMs);
      const isKnown = deed !== undefined && seenModCount !== undefined && deed.modCount <= seenModCount;
      const number = before?.['number'] ?? sysId;
      // Of two that tell of the same breach one is canceled, on hold or not.
      const isDouble = [...named].some(([other, ids]) => other !== sysId && markers.some((id) => ids.has(id)));
      const isRepair = from === onHold && to === canceled && isDouble;
      if (isKnown && !isRepair && (from === onHold || from === closed || from === canceled)) {
        say(`${number} went from ${from} to ${to}, though a person chose ${deed.what}`);
      }
      // One of two that tell of the same breach is canceled, not reopened.
      if (
        isKnown &&
        from === resolved &&
        to !== canceled &&
        deed.what === 'resolve' &&
        markers.some((id) => inIncident.has(id))
      ) {
        say(`${number} was reopened by the breach that a person had resolved`);
      }
    }
    for (const id of [...markers, ...(opener === undefined ? [] : [opener])]) inIncident.add(id);
  }
  return found;
}

function tells({ row, journal }: Chronicle['deleted'][number], occurrenceId: string): boolean {
  return (
    row['correlation_display'] === occurrenceId ||
    journal.some((entry) => entry['value']?.includes(`[${occurrenceId}:`))
  );
}

/** The last decision of a person about the state. */
function decided(deeds: readonly Deed[], service: number, sysId: string, beforeMs: number): Deed | undefined {
  return deeds.findLast(
    (deed) =>
      deed.service === service &&
      deed.sysId === sysId &&
      deed.atMs <= beforeMs &&
      (deed.what === 'resolve' || deed.what === 'close' || deed.what === 'cancel' || deed.what === 'hold'),
  );
}
