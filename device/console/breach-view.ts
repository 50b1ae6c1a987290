import type { Occurrence } from '../incident/occurrence.ts';
import type { BreachView } from './contract.ts';
import type { IncidentLink } from './incident-link.ts';

const standings: Readonly<Record<Occurrence['place'], string>> = {
  wanted: 'waits to be told',
  attached: 'told',
  released: 'people ended its incident; nothing new until it recovers and breaches again',
  held: 'listed in the storm incident of its site',
  recorded: 'recorded only: the cloud side opens incidents for this device',
};

function standingOf({ phase, place, silence }: Occurrence): string {
  if (silence === 'holds' && phase === 'firing' && place === 'wanted') return 'opens when its silence ends';
  if (silence === 'holds' && place === 'recorded') return 'recorded only: it ended under a silence';
  return standings[place];
}

/** A breach as the console shows it. `holder` is the storm that holds it, where one does: its incident tells of it. */
export function breachView(occurrence: Occurrence, holder: Occurrence | undefined, linkTo: IncidentLink): BreachView {
  const { message } = occurrence;
  const incident = occurrence.incident ?? holder?.incident ?? null;
  return {
    id: occurrence.id,
    correlationId: occurrence.correlationId,
    ...{ site: message.site, deviceId: message.deviceId, metric: message.metric, rule: message.rule },
    ...{ severity: message.severity, unit: message.unit },
    ...{ value: message.value, limit: message.limit, peak: message.peak },
    startedAtMs: Date.parse(message.startedAt),
    endedAtMs: message.endedAt === null ? null : Date.parse(message.endedAt),
    endReason: message.endReason,
    isSilenced: occurrence.silence === 'holds' && occurrence.phase === 'firing',
    standing: standingOf(occurrence),
    incident: incident === null ? null : { number: incident.number, url: linkTo(incident.sysId) },
  };
}
