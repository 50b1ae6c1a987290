import type { AnomalyMessage } from '../../device/anomaly/anomaly.ts';
import type { Occurrence } from '../../device/incident/occurrence.ts';
import { headline } from '../../device/incident/texts/headline.ts';
import type { Told } from '../../device/outbox/tell.ts';
import type { ViewEvent } from './view/view-model.ts';

/** What a person is told of a breach; updates are seen in the live view alone. */
export function breachEvent(message: AnomalyMessage): ViewEvent | undefined {
  const atMs = Date.parse(message.at);
  switch (message.phase) {
    case 'firing':
      return { atMs, kind: 'breach', text: headline(message) };
    case 'updated':
      return undefined;
    case 'resolved':
      return { atMs, kind: 'recovered', text: headline(message) };
  }
}

/** What a person is told of an incident. `urlOf` gives the page of an incident by its sys_id. */
export function toldEvent(
  told: Told,
  { message, incident }: Occurrence,
  { atMs, urlOf }: { atMs: number; urlOf: (sysId: string) => string },
): ViewEvent | undefined {
  const url = incident === null ? undefined : urlOf(incident.sysId);
  switch (told.kind) {
    case 'created':
      return { atMs, kind: 'created', text: `${told.number}  ${headline(message)}`, url };
    case 'joined':
      return { atMs, kind: 'note', text: `${told.number}  breaching again`, url };
    case 'reopened':
      return { atMs, kind: 'reopened', text: `reopened ${told.number}`, url };
    case 'noted':
      return { atMs, kind: 'note', text: `${told.number}  still breaching` };
    case 'recovered':
      return { atMs, kind: 'note', text: `${told.number}  recovered` };
    case 'resolved':
      return { atMs, kind: 'resolved', text: told.number, url };
    case 'adopted':
      return { atMs, kind: 'info', text: `${told.number}  was there already: nothing is written twice`, url };
    case 'duplicate-canceled':
      return { atMs, kind: 'info', text: `${told.number}  canceled, ${told.kept} tells of the same breach` };
    case 'released':
      return { atMs, kind: 'info', text: `${told.number ?? 'The incident'}  is left as people left it (${told.why})` };
    case 'dead-letter':
      return { atMs, kind: 'fault', text: `ServiceNow refuses the record: ${told.reason}` };
    case 'charted':
      return undefined;
  }
}
