/** Environment variable with port, users and seed of the broker's process, as JSON. */
export const brokerVariable = 'CHAOS_BROKER';
