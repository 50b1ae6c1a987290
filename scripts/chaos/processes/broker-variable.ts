import { z } from 'zod';
import { brokerCrashPoints } from './orders.ts';

/** Environment variable with the settings of the broker's process, as JSON. */
export const brokerVariable = 'CHAOS_BROKER';

/** What the broker's process is told while it runs. */
export const brokerOrders = z.object({
  /** Part of the messages between the components that it loses, doubles and holds back, each. */
  unruly: z.number(),
  /** SIGKILL at the n-th passage. */
  crash: z.object({ at: z.enum(brokerCrashPoints), nth: z.int() }).optional(),
});
export type BrokerOrders = z.infer<typeof brokerOrders>;
