import type { Config } from '../config/schema.ts';
import { AppError } from '../platform/errors.ts';
import { sleep, type Time } from '../platform/time.ts';
import type { Transport, TransportState } from '../transport/transport.ts';
import { type Check, type Finding, fail, ok, skip, warn } from './check.ts';
import { asComponent } from './core-checks.ts';

export interface BrokerCheckDeps {
  config: Config['transport'];
  /** A topic that both components hear. */
  topic: string;
  transport: () => Promise<Transport>;
  time: Time;
  withinMs: number;
  /** Default `broker`. */
  name?: string;
  needs?: readonly string[];
}

/** Connects as a component does, and subscribes, so that the access list of broker or nucleus is asked too. */
export function brokerCheck(deps: BrokerCheckDeps): Check {
  const { config, topic, transport, time, withinMs, name = 'broker', needs = [] } = deps;
  const address = addressOf(config);
  async function connect(): Promise<Finding> {
    if (config.kind === 'in-process') return skip('transport.kind in-process needs none');
    let started: Transport | undefined;
    try {
      started = await transport();
      const state = await connected(started, topic, time, withinMs);
      if (state.state === 'disconnected') return fail(`${state.reason}`, advice(config));
      if (config.kind === 'mqtt' && isExposed(address)) {
        return warn(
          `${address} answers; messages and passwords travel unencrypted`,
          'Use mqtts:// with transport.mqtt.caFile.',
        );
      }
      return ok(`${address} answers`);
    } catch (error) {
      if (error instanceof AppError) {
        const todo =
          error.reason === 'not-under-greengrass' ? asComponent : 'Correct transport.* in the configuration.';
        return fail(error.message, todo);
      }
      throw error;
    } finally {
      await started?.stop();
    }
  }
  return { name, topic: 'Messages', needs, run: connect };
}

function addressOf({ kind, mqtt, iotCore }: Config['transport']): string {
  if (kind === 'iot-core') return `${iotCore.endpoint}:${iotCore.port}`;
  return kind === 'greengrass-ipc' ? 'the nucleus' : mqtt.url;
}

const pollMs = 25;

/** The state once connected, or with the reason of the first failure, which a transport tells by no event. */
async function connected(transport: Transport, topic: string, time: Time, withinMs: number): Promise<TransportState> {
  await transport.subscribe(topic, () => {});
  await transport.start();
  const deadlineMs = time.monotonicMs() + withinMs;
  const begun = transport.state();
  for (let state = begun; ; state = transport.state()) {
    if (state.state === 'connected' || begun.state === 'connected' || state.reason !== begun.reason) return state;
    if (time.monotonicMs() >= deadlineMs) {
      return { state: 'disconnected', reason: `no connection within ${withinMs / 1_000} s` };
    }
    await sleep(time, pollMs);
  }
}

function advice({ kind, mqtt, iotCore }: Config['transport']): string {
  if (kind === 'iot-core') {
    return `Check transport.iotCore and that the endpoint is reached: nc -vz ${iotCore.endpoint} ${iotCore.port}`;
  }
  if (kind === 'greengrass-ipc') return 'Do what it says; sudo systemctl status greengrass tells how the nucleus is.';
  const { hostname, port, protocol } = new URL(mqtt.url);
  const at = port === '' ? (protocol === 'mqtts:' ? '8883' : '1883') : port;
  return `Check transport.mqtt.url (${mqtt.url}) and that the broker runs: nc -vz ${hostname} ${at}`;
}

function isExposed(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'mqtt:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}
