import type { Occurrence } from '../incident/occurrence.ts';
import type { HandlerStore } from './store.ts';

/**
 * What belonged to another instance: its open breaches open on this one, its pending steps are put aside and listed.
 * Where this instance was served before, what was put aside then is told after all. One transaction.
 */
export function moveToInstance(store: HandlerStore): { reopened: number; aside: number } {
  return store.transaction(() => {
    const left = store.servedInstance();
    if (left === store.instance) return { reopened: 0, aside: 0 };
    store.setServedInstance();
    if (left === undefined) return { reopened: 0, aside: 0 };
    const aside = store.putAside(left);
    store.takeBackAside();
    const firing = store.firingOn(left);
    const storms = new Set(firing.filter(({ message }) => message.rule === 'storm').map(({ id }) => id));
    for (const occurrence of firing) move(occurrence, storms, store);
    return { reopened: firing.length, aside };
  });
}

function move(occurrence: Occurrence, storms: ReadonlySet<string>, store: HandlerStore): void {
  const { place, heldBy } = occurrence;
  // A storm that people ended there lists nothing here.
  const isHeld = place === 'held' && heldBy !== null && storms.has(heldBy);
  const stays = isHeld || place === 'recorded';
  const moved: Occurrence = {
    ...{ ...occurrence, incident: null, toldSeverity: null },
    ...{ place: stays ? place : 'wanted', heldBy: isHeld ? heldBy : null },
  };
  store.putOccurrence(moved);
  if (!stays) store.addEntry(moved, 'open');
}
