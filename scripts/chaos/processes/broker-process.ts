import { z } from 'zod';
import { silentLogger } from '../../../device/platform/logger.ts';
import { seededRandom } from '../../../device/platform/random.ts';
import { startBroker } from '../../../device/simulation/broker.ts';
import { type BrokerOrders, brokerOrders, brokerVariable } from './broker-variable.ts';

/** The embedded broker as a process of its own, so that it can be killed. It tells its port, and ends with its parent. */

const settings = z
  .object({ port: z.int(), users: z.record(z.string(), z.string()), seed: z.int() })
  .parse(JSON.parse(process.env[brokerVariable] ?? '{}'));

let orders: BrokerOrders = { unruly: 0 };
let passed = 0;
process.on('message', (message) => {
  orders = brokerOrders.parse(message);
  passed = 0;
});
process.on('disconnect', () => process.exit());

const random = seededRandom(settings.seed);
const { port } = await startBroker({
  ...{ port: settings.port, users: settings.users, logger: silentLogger },
  forward: (topic) => {
    // Readings of a gateway's devices are no messages between the components: held back, they would be other readings.
    const isTheirs = topic.startsWith('IoTBlog/anomaly') || topic.startsWith('IoTBlog/status/');
    if (isTheirs) pass(topic.startsWith('IoTBlog/anomaly/ack') ? 'acknowledge' : 'publish');
    const { unruly } = orders;
    if (unruly === 0 || !isTheirs) return { now: true };
    const drawn = random() / unruly;
    if (drawn < 1) return { now: false };
    if (drawn < 2) return { now: true, againInMs: random() * 1_000 };
    return drawn < 3 ? { now: false, againInMs: random() * 1_000 } : { now: true };
  },
});
process.send?.(port);

/** After: it is on its way to who asked for it, and who sent it may have been told so. */
function pass(kind: 'publish' | 'acknowledge'): void {
  const { at, nth } = orders.crash ?? {};
  if (at !== `before ${kind}` && at !== `after ${kind}`) return;
  passed += 1;
  if (passed !== nth) return;
  const die = () => process.kill(process.pid, 'SIGKILL');
  if (at === `before ${kind}`) die();
  else setImmediate(die);
}
