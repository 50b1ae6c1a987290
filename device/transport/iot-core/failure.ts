import type { mqtt5 } from 'aws-iot-device-sdk-v2';
import type { ConnectionFailure } from '../connection.ts';
import type { PublishResult } from '../transport.ts';
import { type IotArea, missingStatement } from './policy-statement.ts';

export interface Peer {
  /** `host:port`. */
  address: string;
  area: IotArea;
  clientId: string;
}

/** Reason codes of MQTT 5 that more than one packet knows. */
const code = { notAuthorized: 135, clientIdNotValid: 133, takenOver: 142, quotaExceeded: 151 } as const;

/** Reason codes that mean "later", not "never". */
const overload = new Set<number>([136, 137, 139, 150, 151, 159]);

/** Why no connection came about. */
export function connectFailure({ error, connack }: mqtt5.ConnectionFailureEvent, peer: Peer): ConnectionFailure {
  if (connack !== undefined) return connackFailure(connack, peer);
  const name = error.error_name ?? '';
  const known = networkFailure(name, peer.address);
  if (known !== undefined) return { reason: known, refused: false };
  if (hangUps.has(name)) {
    const reason =
      `${peer.address} ended the connection before it let us in; check that the certificate is active in the account ` +
      'and region of this endpoint, and has a policy';
    return { reason, refused: true };
  }
  if (name.startsWith('AWS_IO_TLS_')) return tlsFailure(name, peer);
  return { reason: `${peer.address}: ${name}`, refused: false };
}

export function tlsFailure(told: string, { address }: Peer): ConnectionFailure {
  const reason =
    `TLS with ${address} failed: ${told}; check that transport.iotCore.caFile is the CA of this endpoint (for AWS: Amazon ` +
    'Root CA 1), that the endpoint is the one of type iot:Data-ATS, and that the clock is right';
  return { reason, refused: true };
}

/** Why a connection ended. */
export function disconnectFailure({ error, disconnect }: mqtt5.DisconnectionEvent, peer: Peer): ConnectionFailure {
  if (disconnect === undefined) {
    const name = error.error_name ?? '';
    return { reason: `${peer.address} ended the connection${hangUps.has(name) ? '' : ` (${name})`}`, refused: false };
  }
  const { reasonCode, reasonString } = disconnect;
  if (reasonCode === code.takenOver) {
    const reason = `another client connected to ${peer.address} with the client id ${peer.clientId}, which takes ours away`;
    return { reason, refused: true };
  }
  if (isUnauthorized(disconnect)) {
    const reason = `${peer.address} ended the connection: not authorised; the log of refused messages says for what`;
    return { reason, refused: true };
  }
  const reason = `${peer.address} ended the connection: ${told(reasonCode, reasonString)}`;
  return { reason, refused: !overload.has(reasonCode) };
}

/** The end of a connection by which a peer answers what the policy does not allow. */
export function isUnauthorized(disconnect: mqtt5.DisconnectPacket | undefined): boolean {
  return disconnect?.reasonCode === code.notAuthorized;
}

function connackFailure({ reasonCode, reasonString }: mqtt5.ConnackPacket, peer: Peer): ConnectionFailure {
  if (reasonCode === code.notAuthorized || reasonCode === code.clientIdNotValid) {
    const { address, area, clientId } = peer;
    const reason =
      `${address} refuses the client id ${clientId}: not authorised; ${missingStatement(area, 'connect', clientId)}, or ` +
      'set transport.iotCore.thingName to the thing that the certificate belongs to';
    return { reason, refused: true };
  }
  const reason = `${peer.address} refuses the connection: ${told(reasonCode, reasonString)}`;
  return { reason, refused: !overload.has(reasonCode) };
}

/** The clause for a subscription that was not granted. */
export function subscribeFailure(refused: { filter: string; reasonCode: number }[], peer: Peer): ConnectionFailure {
  const clauses = refused.map(({ filter, reasonCode }) =>
    reasonCode === code.notAuthorized
      ? `${filter}: not authorised; ${missingStatement(peer.area, 'subscribe', filter)}`
      : `${filter}: ${told(reasonCode)}`,
  );
  return { reason: `${peer.address} refuses the subscription to ${clauses.join('; and to ')}`, refused: true };
}

export function publishResult(puback: mqtt5.PubackPacket | undefined, topic: string, peer: Peer): PublishResult {
  // Without an answer it was sent with QoS 0; 16 says that nobody listens.
  const reasonCode: number = puback?.reasonCode ?? 0;
  if (reasonCode < 0x80) return { ok: true };
  if (reasonCode === code.notAuthorized) return unauthorizedPublish(topic, peer);
  const reason = overload.has(reasonCode) ? 'busy' : 'failed';
  const message = `${peer.address} refuses the message to ${topic}: ${told(reasonCode, puback?.reasonString)}`;
  return { ok: false, reason, message };
}

export function unauthorizedPublish(topic: string, { address, area }: Peer): PublishResult {
  const message = `${address} refuses the message to ${topic}: not authorised; ${missingStatement(area, 'publish', topic)}`;
  return { ok: false, reason: 'unauthorized', message };
}

/**
 * What the native client says of a publish that it gave up; it rejects with a text. Undefined where that is the end of the
 * connection, of which an event follows that knows more.
 */
export function publishError(error: unknown, { address }: Peer): PublishResult | undefined {
  if (isEndOfConnection(error)) return undefined;
  const text = String(error);
  if (text.includes('AWS_ERROR_MQTT_TIMEOUT')) return { ok: false, reason: 'timeout', message: 'no acknowledgement' };
  return { ok: false, reason: 'failed', message: `${address}: ${text}` };
}

export function isEndOfConnection(error: unknown): boolean {
  return /OFFLINE_QUEUE_POLICY|USER_REQUESTED_STOP|NOT_CONNECTED|HANGUP|CLIENT_TERMINATED/.test(String(error));
}

/** How a peer that hangs up appears, depending on what was under way. */
const hangUps = new Set([
  'AWS_IO_SOCKET_CLOSED',
  'AWS_IO_BROKEN_PIPE',
  'AWS_ERROR_MQTT_UNEXPECTED_HANGUP',
  'AWS_IO_TLS_CLOSED_GRACEFUL',
  'AWS_IO_TLS_CLOSED_ABORT',
]);

function networkFailure(name: string, address: string): string | undefined {
  if (name.startsWith('AWS_IO_DNS_')) return `the host name of ${address} cannot be resolved`;
  switch (name) {
    case 'AWS_IO_SOCKET_CONNECTION_REFUSED':
      return `nothing listens on ${address}`;
    case 'AWS_IO_SOCKET_TIMEOUT':
    case 'AWS_IO_SOCKET_NO_ROUTE_TO_HOST':
    case 'AWS_IO_SOCKET_NETWORK_DOWN':
      return `${address} cannot be reached`;
    default:
      return undefined;
  }
}

function told(reasonCode: number, reasonString?: string): string {
  const words = reasonString === undefined ? '' : ` ${reasonString.slice(0, 200)}`;
  return `MQTT reason 0x${reasonCode.toString(16)}${words}`;
}
