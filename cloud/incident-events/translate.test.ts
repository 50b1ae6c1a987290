import { expect, test } from 'vitest';
import { maxMessageBytes } from '../../device/anomaly/anomaly.ts';
import { incidentEvent } from './contract.ts';
import { anomaly } from './test-messages.ts';
import { publishedIncidentEvent, translate } from './translate.ts';

const gateways = { 'gateway-1': ['press-4'] };
const published = (payload: string, clientId = 'press-4') => ({
  ...{ data: Buffer.from(payload).toString('base64'), clientId, receivedAtMs: 1 },
});
const translated = (payload: string, clientId?: string) => translate(published(payload, clientId), gateways);
const message = (fields = {}) => JSON.stringify({ ...anomaly(), ...fields });

test.each([
  ['firing', 'IncidentOpened', 'opened'],
  ['updated', 'IncidentUpdated', 'updated'],
  ['resolved', 'IncidentResolved', 'resolved'],
] as const)('a message of phase %s is %s', (phase, eventType, what) => {
  const told = anomaly({ phase, sequence: 3, firingSequence: 1 });
  const result = translated(JSON.stringify(told));
  if (!result.ok) throw new Error(result.parked.detail);
  const event = publishedIncidentEvent(result.event);
  expect(event).toMatchObject({
    ...{ id: `${told.id}:3`, groupId: 'hall-2/press-4/temperature/upper', eventType },
    subject: `Incident ${told.id} ${what}`,
  });
  expect(incidentEvent.parse(JSON.parse(event.body))).toMatchObject({
    ...{ incidentId: told.id, eventCreated: told.at, eventSource: 'anti-corruption-service', eventDetails: told },
  });
});

test.each(['press-4', 'press-4#2', 'gateway-1'])('client %s may speak for the device', (clientId) => {
  expect(translated(message(), clientId).ok).toBe(true);
});

test.each([
  ['what is not JSON', 'hello', 'not-an-anomaly'],
  ['a version that is not known', message({ version: 2 }), 'bad-schema'],
  ['a phase that is none', message({ phase: 'over' }), 'bad-schema'],
  ['more than a message has', message({ filling: 'x'.repeat(maxMessageBytes) }), 'too-large'],
  ['an id of another breach', message({ id: 'f'.repeat(32) }), 'wrong-identity'],
  ['a begin after the end', message({ firingSequence: 2 }), 'wrong-identity'],
  ['a rule of the handler', message({ rule: 'storm' }), 'wrong-identity'],
  ["the handler's own id", JSON.stringify(anomaly({ deviceId: 'handler' })), 'other-device'],
])('%s is parked with its bytes (bad schema)', (_what, payload, reason) => {
  expect(translated(payload)).toMatchObject({ ok: false, parked: { reason, bytes: Buffer.from(payload) } });
});

test.each(['press-5', 'gateway-2', 'press-4-other'])('client %s may not speak for the device', (clientId) => {
  const result = translated(message(), clientId);
  expect(result).toMatchObject({ ok: false, parked: { reason: 'other-device' } });
});
