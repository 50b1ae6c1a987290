import { z } from 'zod';
import { silentLogger } from '../../../device/platform/logger.ts';
import { seededRandom } from '../../../device/platform/random.ts';
import { startBroker } from '../../../device/simulation/broker.ts';
import { brokerVariable } from './broker-variable.ts';

/** The embedded broker as a process of its own, so that it can be killed. It tells its port, and ends with its parent. */

const settings = z
  .object({ port: z.int(), users: z.record(z.string(), z.string()), seed: z.int() })
  .parse(JSON.parse(process.env[brokerVariable] ?? '{}'));

/** Part of the messages between the components that a broker at odds with them loses, doubles and holds back, each. */
let unruly = 0;
process.on('message', (part: number) => {
  unruly = part;
});
process.on('disconnect', () => process.exit());

const random = seededRandom(settings.seed);
const { port } = await startBroker({
  ...{ port: settings.port, users: settings.users, logger: silentLogger },
  forward: (topic) => {
    // Readings of a gateway's devices are no messages between the components: held back, they would be other readings.
    const isTheirs = topic.startsWith('IoTBlog/anomaly') || topic.startsWith('IoTBlog/status/');
    if (unruly === 0 || !isTheirs) return { now: true };
    const drawn = random() / unruly;
    if (drawn < 1) return { now: false };
    if (drawn < 2) return { now: true, againInMs: random() * 1_000 };
    return drawn < 3 ? { now: false, againInMs: random() * 1_000 } : { now: true };
  },
});
process.send?.(port);
