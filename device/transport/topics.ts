/**
 * The topics of the post, and those that version 2 adds. With `perDevice` the device stands last, so that a shared
 * broker's ACL (or an IoT policy) can bind a client to its own topics.
 */
export interface TopicNames {
  sensorData: string;
  anomaly: string;
  ack: string;
  status: string;
  perDevice: boolean;
}

export interface Topics {
  sensorData(deviceId: string): string;
  anomaly(deviceId: string): string;
  ack(deviceId: string): string;
  status(deviceId: string): string;
  /** Status of the handler: told at every start, and heard by monitors and other handlers. */
  handlerStatus: string;
  /** What a handler or console subscribes to. */
  sensorDataFilter: string;
  anomalyFilter: string;
  statusFilter: string;
  /** What a monitor that speaks for many devices subscribes to. */
  ackFilter: string;
  /** The device that a topic names, if it names one: a payload of another device is then refused. */
  deviceOf(topic: string): string | undefined;
}

/** Device id that no monitor may take: `IoTBlog/status/handler` is the handler's. */
export const handlerDevice = 'handler';

export function topics(names: TopicNames): Topics {
  const { perDevice } = names;
  const anomalyBase = perDevice ? `${names.anomaly}/from` : names.anomaly;
  const of = (base: string) => (deviceId: string) => (perDevice ? `${base}/${topicLevel(deviceId)}` : base);
  const filter = (base: string) => (perDevice ? `${base}/+` : base);
  const bases = perDevice ? [names.sensorData, anomalyBase, names.ack, names.status] : [names.status];
  return {
    sensorData: of(names.sensorData),
    anomaly: of(anomalyBase),
    ack: of(names.ack),
    status: (deviceId) => `${names.status}/${topicLevel(deviceId)}`,
    handlerStatus: `${names.status}/${handlerDevice}`,
    sensorDataFilter: filter(names.sensorData),
    anomalyFilter: filter(anomalyBase),
    statusFilter: `${names.status}/+`,
    ackFilter: filter(names.ack),
    deviceOf(topic) {
      for (const base of bases) {
        if (!topic.startsWith(`${base}/`)) continue;
        const level = topic.slice(base.length + 1);
        if (!level.includes('/')) return decodeLevel(level);
      }
      return undefined;
    },
  };
}

/** A device id as one topic level: what a topic cannot hold, and `%`, is percent-encoded; the rest stays readable. */
function topicLevel(deviceId: string): string {
  return deviceId.replace(/[/+#%\p{Cc}\p{Noncharacter_Code_Point}]/gu, encodeURIComponent);
}

/**
 * The device id that a topic level stands for. A level that is encoded in another way than ours stands for itself: what
 * an access list tells apart is never one device.
 */
export function decodeLevel(level: string): string {
  try {
    const deviceId = decodeURIComponent(level);
    return topicLevel(deviceId) === level ? deviceId : level;
  } catch {
    return level;
  }
}
