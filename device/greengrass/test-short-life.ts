import { silentLogger } from '../platform/logger.ts';
import { systemTime } from '../platform/time.ts';
import { createIpcClient } from './ipc-client.ts';
import { untilIpc } from './test-nucleus-stage.ts';

/** A process that connects, subscribes, publishes, stops, and has nothing else to do. */
const ipc = createIpcClient({
  ...{ env: process.env, component: 'short-life', logger: silentLogger, time: systemTime, random: Math.random },
});
await ipc.start();
await untilIpc(ipc, 'connected');
await ipc.open('SubscribeToTopic', { topic: 'x' }, { event() {} });
await ipc.call('PublishToTopic', { topic: 'x', payload: Buffer.from('m') });
await ipc.stop();
