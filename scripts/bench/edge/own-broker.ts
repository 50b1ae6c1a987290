import { silentLogger } from '../../../device/platform/logger.ts';
import { startBroker } from '../../../device/simulation/broker.ts';
import { access } from './access.ts';

/** The project's broker as a process, where there is no mosquitto. */
const { port } = await startBroker({
  port: 0,
  users: { [access.username]: access.password },
  logger: silentLogger,
});
process.send?.({ port });
process.on('disconnect', () => process.exit(0));
