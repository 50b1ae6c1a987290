import { type AnomalyMessage, anomalyMessage, handlerRules, maxMessageBytes } from '../../device/anomaly/anomaly.ts';
import { correlationId, occurrenceId } from '../../device/anomaly/identity.ts';
import { handlerDevice } from '../../device/transport/topics.ts';
import { type PublishedEvent, parseJson } from '../shared/domain-event.ts';
import type { ParkedRecord } from '../shared/parked-record.ts';
import { type Gateways, maySpeakFor, type publishedMessage } from '../stream-ingestion/contract.ts';
import type { IncidentEvent, ParkingReason } from './contract.ts';

export type Translated = { ok: true; event: IncidentEvent } | { ok: false; parked: ParkedRecord };

/** What a client published, as the rule wrote it, in the words of the business; or why it can be none of them. */
export function translate(
  { data, clientId, receivedAtMs }: ReturnType<(typeof publishedMessage)['parse']>,
  gateways: Gateways,
): Translated {
  const bytes = Buffer.from(data, 'base64');
  const park = (reason: ParkingReason, detail: string): Translated => ({
    ok: false,
    parked: { id: `${clientId}:${receivedAtMs}:${data}`, reason, detail, bytes },
  });
  if (bytes.length > maxMessageBytes) {
    return park('too-large', `${bytes.length} bytes; a message has at most ${maxMessageBytes}`);
  }
  const json = parseJson(bytes.toString('utf8'));
  if (json === undefined) return park('not-an-anomaly', `message of ${clientId} is not JSON`);
  const parsed = anomalyMessage.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return park('bad-schema', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const message = parsed.data;
  if (!maySpeakFor(clientId, message.deviceId, gateways)) {
    return park('other-device', `client ${clientId} published an anomaly of ${message.deviceId}`);
  }
  const problem = identityProblem(message);
  return problem === undefined ? { ok: true, event: eventOf(message) } : park('wrong-identity', problem);
}

/** The checks that the handler at the edge makes as well. */
function identityProblem(message: AnomalyMessage): string | undefined {
  if (handlerRules.some((rule) => rule === message.rule)) return `rule ${message.rule} is raised by a handler alone`;
  if (message.deviceId === handlerDevice) return `the device id ${handlerDevice} is the handler's own`;
  if (message.firingSequence > message.sequence) return 'firingSequence is above sequence';
  const { installationId, firingSequence } = message;
  if (message.id === occurrenceId(installationId, message, firingSequence)) return undefined;
  return 'the id does not follow from installation, key and firingSequence';
}

const types = {
  firing: 'IncidentOpened',
  updated: 'IncidentUpdated',
  resolved: 'IncidentResolved',
} as const satisfies Record<AnomalyMessage['phase'], IncidentEvent['eventType']>;

function eventOf(message: AnomalyMessage): IncidentEvent {
  return {
    id: `${message.id}:${message.sequence}`,
    incidentId: message.id,
    eventCreated: message.at,
    eventType: types[message.phase],
    eventSource: 'anti-corruption-service',
    eventDetails: message,
  };
}

/** An event as it is published: events of one key (site, device, metric, rule) are in the order of their arrival. */
export function publishedIncidentEvent(event: IncidentEvent): PublishedEvent {
  const { phase } = event.eventDetails;
  const what = phase === 'firing' ? 'opened' : phase;
  return {
    id: event.id,
    groupId: correlationId(event.eventDetails),
    eventType: event.eventType,
    subject: `Incident ${event.incidentId} ${what}`,
    body: JSON.stringify(event),
  };
}
