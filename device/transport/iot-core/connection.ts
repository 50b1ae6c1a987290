import { io, mqtt5 } from 'aws-iot-device-sdk-v2';
import { messageOf } from '../../platform/errors.ts';
import type { Time } from '../../platform/time.ts';
import { createAskedFilters } from '../asked-filters.ts';
import type { Connection, ConnectionEvents, ConnectionFailure } from '../connection.ts';
import { createPendingPublishes } from '../pending-publishes.ts';
import type { LastWill, PublishResult } from '../transport.ts';
import { collectGarbageSoon } from './collect-garbage.ts';
import {
  connectFailure,
  disconnectFailure,
  isEndOfConnection,
  isUnauthorized,
  type Peer,
  publishError,
  publishResult,
  subscribeFailure,
  tlsFailure,
  unauthorizedPublish,
} from './failure.ts';
import { filtersPerSubscribe } from './limits.ts';
import type { Credentials } from './options.ts';
import { probeTls, type TlsProbe } from './tls-probe.ts';

export interface IotConnectionOptions {
  endpoint: string;
  port: number;
  peer: Peer;
  credentials: Credentials;
  /** Made of the credentials. */
  tls: io.ClientTlsContext;
  will: LastWill | undefined;
  connectTimeoutMs: number;
  keepAliveMs: number;
  /** Silence for this long after an unanswered publish ends the connection. */
  publishTimeoutMs: number;
  time: Time;
  events: ConnectionEvents;
}

/** The peer is told to send nothing longer. Far above what AWS IoT Core lets through. */
const longestPacketBytes = 1_048_576;

/** A connection that has not come about by then is looked into. */
const probeAfterMs = 1_000;

/** How long the native client may take to end its connection before it is let go all the same. */
const closeGraceMs = 1_000;

/** Its own reconnecting is never waited for: each connection has a client of its own. */
const never = 24 * 3_600_000;

const qosOf = { 0: mqtt5.QoS.AtMostOnce, 1: mqtt5.QoS.AtLeastOnce } as const;

/** The life of one connection, by a native client of its own that is let go with it. */
export function openIotConnection(options: IotConnectionOptions): Connection {
  const { peer, publishTimeoutMs, time, events } = options;
  const { address } = peer;
  const client = new mqtt5.Mqtt5Client(clientConfig(options));
  const asked = createAskedFilters(ask, filtersPerSubscribe);
  // The native client sends as many of them as the peer takes.
  const pending = createPendingPublishes({ address, time, publishTimeoutMs, drop });
  const { heard } = pending;
  let connected = false;
  let over = false;
  /** The native client may leave what it was asked unanswered once it is closed. */
  let tellEnd = () => {};
  const ended = new Promise<void>((resolve) => {
    tellEnd = resolve;
  });

  let probe: TlsProbe | undefined;
  const probing = time.after(Math.min(probeAfterMs, options.connectTimeoutMs / 2), () => {
    probe = probeTls(options, options.credentials, (told) => drop(tlsFailure(told, peer)));
  });

  client.on('connectionSuccess', () => {
    connected = true;
    stopProbing();
    heard();
    if (!over) events.up();
  });
  client.on('messageReceived', ({ message, acknowledgementControl }) => {
    heard();
    if (!over) events.message(message.topicName, bytesOf(message.payload));
    // Acquired and not used: a PUBACK behind the DISCONNECT would keep the native client from ever sending either.
    else acknowledgementControl?.acquireHandle();
  });
  client.on('connectionFailure', (event) => drop(connectFailure(event, peer)));
  client.on('disconnection', (event) => {
    // The peer does not say which message it meant.
    const failure = disconnectFailure(event, peer);
    end(failure, isUnauthorized(event.disconnect) ? 'unauthorized' : 'offline');
  });
  client.on('error', (error) =>
    drop({ reason: `${address}: ${error.error_name ?? messageOf(error)}`, refused: false }),
  );
  client.start();

  function stopProbing(): void {
    probing.cancel();
    probe?.cancel();
  }

  function drop(failure: ConnectionFailure): void {
    end(failure, 'offline');
  }

  function end(failure: ConnectionFailure, reason: 'offline' | 'unauthorized'): void {
    if (over) return;
    over = true;
    pending.settleAll({ ok: false, reason, message: `connection lost: ${failure.reason}` });
    tellEnd();
    void release();
    events.down(failure);
  }

  /** Until it is closed, and the end of a TLS handshake under way (10 s), the native client holds this process. */
  function release(last?: mqtt5.DisconnectPacket): Promise<void> {
    stopProbing();
    return new Promise((resolve) => {
      let released = false;
      const finish = () => {
        timer.cancel();
        if (released) return;
        released = true;
        client.close();
        resolve();
      };
      const timer = time.after(closeGraceMs, finish);
      client.on('stopped', finish);
      client.stop(last);
    });
  }

  async function ask(filters: string[]): Promise<void> {
    const overdue = time.after(publishTimeoutMs, () =>
      drop({ reason: `${address} does not answer a subscription`, refused: false }),
    );
    try {
      const subscriptions = filters.map((topicFilter) => ({ topicFilter, qos: mqtt5.QoS.AtLeastOnce }));
      const answer = await Promise.race([client.subscribe({ subscriptions }), ended]);
      if (over || answer === undefined) return;
      heard();
      const refused = filters
        .map((filter, index) => ({ filter, reasonCode: Number(answer.reasonCodes[index] ?? 0) }))
        .filter(({ reasonCode }) => reasonCode >= 0x80);
      if (refused.length > 0) drop(subscribeFailure(refused, peer));
    } catch (error) {
      if (isEndOfConnection(error)) await ended;
      else drop({ reason: `${address} does not take a subscription: ${String(error)}`, refused: false });
    } finally {
      overdue.cancel();
    }
  }

  return {
    publish({ topic, payload, bytes, qos, timeoutMs, settle }) {
      const tell = (result: PublishResult) =>
        settle(!result.ok && result.reason === 'unauthorized' ? unauthorizedPublish(topic, peer) : result);
      const ticket = pending.add({ bytes, timeoutMs, settle: tell });
      if (ticket === undefined) return;
      // The native client copies it before this call returns.
      const body = typeof payload === 'string' ? payload : Buffer.from(payload);
      client.publish({ topicName: topic, payload: body, qos: qosOf[qos] }).then(
        (puback) => {
          heard();
          ticket.settle(publishResult(puback, topic, peer));
        },
        (error: unknown) => {
          const result = publishError(error, peer);
          if (result !== undefined) ticket.settle(result);
        },
      );
    },
    async subscribe(filters) {
      if (!over && connected) await asked.add(filters);
    },
    async unsubscribe(filter) {
      if (over || !asked.delete(filter)) return;
      await Promise.race([client.unsubscribe({ topicFilters: [filter] }), ended]).catch(() => {});
    },
    async close() {
      if (over) return;
      over = true;
      pending.settleAll({ ok: false, reason: 'closed', message: 'the transport was stopped' });
      tellEnd();
      await release(connected ? { reasonCode: mqtt5.DisconnectReasonCode.NormalDisconnection } : undefined);
      collectGarbageSoon();
    },
    drop,
  };
}

/** The defaults of AWS IoT Core keep the client within its limits: 100 publishes and 512 KB a second. */
function clientConfig(options: IotConnectionOptions): mqtt5.Mqtt5ClientConfig {
  const { endpoint, port, peer, tls, will, connectTimeoutMs, keepAliveMs } = options;
  return {
    hostName: endpoint,
    port,
    tlsCtx: tls,
    // It sets no TCP_NODELAY, and knows no option for that.
    socketOptions: new io.SocketOptions(io.SocketType.STREAM, io.SocketDomain.IPV4, connectTimeoutMs),
    connectProperties: {
      clientId: peer.clientId,
      keepAliveIntervalSeconds: Math.max(1, Math.round(keepAliveMs / 1_000)),
      maximumPacketSizeBytes: longestPacketBytes,
      ...(will === undefined
        ? {}
        : { will: { topicName: will.topic, payload: will.payload, qos: mqtt5.QoS.AtLeastOnce, retain: false } }),
    },
    sessionBehavior: mqtt5.ClientSessionBehavior.Clean,
    offlineQueueBehavior: mqtt5.ClientOperationQueueBehavior.FailAllOnDisconnect,
    extendedValidationAndFlowControlOptions: mqtt5.ClientExtendedValidationAndFlowControl.AwsIotCoreDefaults,
    minReconnectDelayMs: never,
    maxReconnectDelayMs: never,
    connackTimeoutMs: connectTimeoutMs,
    pingTimeoutMs: Math.floor(keepAliveMs / 2),
    disableMetrics: true,
  };
}

function bytesOf(payload: mqtt5.PublishPacket['payload']): Uint8Array {
  // What the native client hands on for an empty payload is a detached buffer.
  return payload instanceof ArrayBuffer && payload.byteLength > 0 ? Buffer.from(payload) : Buffer.alloc(0);
}
