import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mosquittoBinary, passwordLine, startMosquitto } from '../../../device/transport/mosquitto.ts';
import { testFolder } from '../../../device/transport/mqtt-stage.ts';
import { access } from './access.ts';
import { killChild, startChild } from './child.ts';
import type { Programs } from './programs.ts';
import { connectPublisher, type Publisher } from './publisher.ts';
import type { Received, ReceiverCommand, ReceiverMessage } from './receiver.ts';

/** What stands around a system that is measured: the same for all, started anew for each of them. */
export interface World {
  broker: { name: string; port: number };
  receiver: Receiver;
  publisher: Publisher;
  /** Its own, empty. */
  folder: string;
  stop(): Promise<void>;
}

export interface Receiver {
  url: string;
  count(): Promise<number>;
  /** Incidents created since the last time. */
  take(): Promise<Received>;
  /** Refuses connections from now on. */
  close(): Promise<void>;
  open(): Promise<void>;
  stop(): Promise<void>;
}

/** @param cache folder that the world's own is made in */
export async function startWorld(cache: string, programs: Programs): Promise<World> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'run-'));
  const broker = await startBroker(programs, folder);
  const receiver = await startReceiver(programs, folder);
  const publisher = await connectPublisher(broker.port);
  return {
    ...{ broker, receiver, publisher, folder },
    async stop() {
      publisher.close();
      await Promise.all([broker.stop(), receiver.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Nothing is dropped, however much waits; as much is under way as a client may have. */
const mosquittoSettings = ['max_queued_messages 0', 'set_tcp_nodelay true'];

async function startBroker(programs: Programs, folder: string): Promise<World['broker'] & { stop(): Promise<void> }> {
  if (mosquittoBinary === undefined) {
    const { child, first } = await startSpeaking(programs.path('broker'), join(folder, 'broker.log'));
    return { name: 'aedes', port: first.port, stop: () => killChild(child) };
  }
  const settings = await testFolder();
  const users = await settings.write('users', passwordLine(access.username, access.password));
  const { port, stop } = await startMosquitto(mosquittoBinary, settings, [
    `password_file ${users}`,
    ...mosquittoSettings,
  ]);
  return {
    ...{ name: 'mosquitto', port },
    async stop() {
      await stop();
      await settings.remove();
    },
  };
}

async function startSpeaking(
  program: string,
  logFile: string,
): Promise<{ child: ChildProcess; first: { port: number } }> {
  const child = startChild(process.execPath, [program], { logFile, ipc: true });
  const [first] = await once(child, 'message');
  return { child, first };
}

async function startReceiver(programs: Programs, folder: string): Promise<Receiver> {
  const { child, first } = await startSpeaking(programs.path('receiver'), join(folder, 'receiver.log'));
  async function ask<T extends ReceiverMessage['tell']>(
    command: ReceiverCommand['ask'],
    tell: T,
  ): Promise<Extract<ReceiverMessage, { tell: T }>> {
    const answered = once(child, 'message');
    child.send({ ask: command });
    const [message] = await answered;
    if (message.tell !== tell) throw new Error(`the receiver answered ${message.tell} to ${command}`);
    return message;
  }
  return {
    url: `http://127.0.0.1:${first.port}`,
    count: async () => (await ask('count', 'count')).created,
    take: async () => (await ask('take', 'taken')).received,
    close: async () => void (await ask('close', 'count')),
    open: async () => void (await ask('open', 'listening')),
    stop: () => killChild(child),
  };
}
