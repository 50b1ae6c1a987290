/** The components by their programs, as recipes name them. */
export const componentNames = {
  'sensor-monitor': 'com.iotblog.SensorMonitor',
  'anomaly-handler': 'com.iotblog.AnomalyHandler',
} as const;

export type ProgramName = keyof typeof componentNames;
