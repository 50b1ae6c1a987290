import dns from 'node:dns';
import fs from 'node:fs';
import { ClientRequest, IncomingMessage } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { performance } from 'node:perf_hooks';
import { MqttClient } from 'mqtt';
import {
  allWell,
  type CrashPoint,
  type Orders,
  ordersVariable,
  type Pace,
  pacedWallMs,
  paceVariable,
} from './orders.ts';
import { createTelling } from './told.ts';
import { watchWrites } from './watch-writes.ts';

/**
 * Loaded before a component's own code (`node --import`): stands between it and SQLite, MQTT, HTTP, clocks and names, so
 * that what ships needs no hook for tests. Its orders come from the environment and then by messages of the parent, and
 * it ends with the parent.
 */
let orders: Orders = { ...allWell, ...JSON.parse(process.env[ordersVariable] ?? '{}') };
let passed = 0;

process.on('message', (message: Orders) => {
  orders = message;
  passed = 0;
});
process.on('disconnect', () => process.exit());
process.channel?.unref();

const telling = createTelling();
const writes = watchWrites(() => orders, pass);
watchPublishes();
watchAnswers();
hideNames();
const pace = process.env[paceVariable];
turnClock(pace === undefined ? undefined : JSON.parse(pace));

function pass(point: CrashPoint): void {
  if (orders.crash?.at !== point) return;
  const { nth, tornIn } = orders.crash;
  passed += 1;
  if (passed < nth || (tornIn !== undefined && !writes.leave(tornIn))) return;
  if (tornIn !== undefined) telling.leave(tornIn);
  process.kill(process.pid, 'SIGKILL');
}

/** The handler's answers to a monitor are acknowledges; anomalies and the handler's status are what is published. */
function watchPublishes(): void {
  const { publish } = MqttClient.prototype;
  const watched: typeof publish = function (this: MqttClient, topic: string, message, ...rest: unknown[]) {
    const kind = kindOf(topic);
    const callback = rest.at(-1);
    if (kind === undefined || typeof callback !== 'function')
      return Reflect.apply(publish, this, [topic, message, ...rest]);
    pass(`before ${kind}`);
    telling.add(topic, message);
    const told = (...outcome: unknown[]) => {
      pass(`after ${kind}`);
      callback(...outcome);
    };
    return Reflect.apply(publish, this, [topic, message, ...rest.slice(0, -1), told]);
  };
  MqttClient.prototype.publish = watched;
}

function kindOf(topic: string): 'publish' | 'acknowledge' | undefined {
  if (topic === 'IoTBlog/anomaly/ack') return 'acknowledge';
  return topic === 'IoTBlog/anomaly' || topic === 'IoTBlog/status/handler' ? 'publish' : undefined;
}

/** Before: the answer has come, nobody has seen it. After: it has been read to its end. */
function watchAnswers(): void {
  const request = ClientRequest.prototype;
  const { emit } = request;
  request.emit = function (name: string | symbol, ...rest: unknown[]) {
    if (name === 'response') pass('before HTTP answer');
    return emit.call(this, name, ...rest);
  };
  const answer = IncomingMessage.prototype;
  const emitOfAnswer = answer.emit;
  answer.emit = function (name: string | symbol, ...rest: unknown[]) {
    const heard = emitOfAnswer.call(this, name, ...rest);
    if (name === 'end') pass('after HTTP answer');
    return heard;
  };
}

function hideNames(): void {
  const { lookup } = dns;
  const hidden = (hostname: string, ...rest: unknown[]) => {
    const callback = rest.at(-1);
    if (orders.resolvesNames || typeof callback !== 'function') return Reflect.apply(lookup, dns, [hostname, ...rest]);
    const failure = { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname };
    process.nextTick(callback, Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), failure));
  };
  Object.assign(dns, { lookup: hidden });
}

function turnClock(given: Pace | undefined): void {
  const { now } = Date;
  const right = given === undefined ? now : () => Math.round(pacedWallMs(given, now()));
  Date.now = () => right() + orders.wallOffsetMs;
  const { existsSync } = fs;
  fs.existsSync = (path) => {
    if (path === '/run/systemd/timesync') return true;
    return path === '/run/systemd/timesync/synchronized' ? orders.clockSynchronised : existsSync(path);
  };
  syncBuiltinESMExports();
  if (given !== undefined) hurry(given);
}

function hurry({ factor, hrtimeMs }: Pace): void {
  const { bigint } = process.hrtime;
  const elapsedMs = () => hrtimeMs + (Number(bigint() / 1_000n) / 1_000 - hrtimeMs) * factor;
  const startedMs = elapsedMs();
  process.hrtime.bigint = () => BigInt(Math.round(elapsedMs() * 1_000)) * 1_000n;
  performance.now = () => elapsedMs() - startedMs;
  for (const name of ['setTimeout', 'setInterval'] as const) {
    const real = globalThis[name];
    const sooner = (task: () => void, delayMs = 0, ...rest: unknown[]) =>
      Reflect.apply(real, globalThis, [task, delayMs / factor, ...rest]);
    Object.assign(globalThis, { [name]: Object.assign(sooner, real) });
  }
}
