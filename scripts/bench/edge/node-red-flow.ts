import { access } from './access.ts';

/**
 * The same job as a flow of Node-RED: a reading comes in at QoS 1, is published as a reading of its device, and, above
 * the limit, as an anomaly, which comes in again over the broker and becomes an incident. It looks up nothing, and
 * keeps nothing on disk.
 */
export function nodeRedFlow({ brokerPort, url }: { brokerPort: number; url: string }): unknown[] {
  const broker = { broker: 'broker', qos: '1' };
  return [
    { id: 'tab', type: 'tab', label: 'bench' },
    {
      ...{ id: 'broker', type: 'mqtt-broker', broker: '127.0.0.1', port: String(brokerPort), clientid: 'node-red' },
      ...{ autoConnect: true, protocolVersion: '4', keepalive: '60', cleansession: true },
    },
    {
      ...{ id: 'in', z: 'tab', type: 'mqtt in', ...broker, topic: 'IoTBlog/gateway/+', datatype: 'json' },
      wires: [['judge']],
    },
    {
      ...{
        id: 'judge',
        z: 'tab',
        type: 'function',
        outputs: 2,
        wires: [['readings'], ['anomalies']],
      },
      func: `
        const deviceId = msg.topic.slice(msg.topic.lastIndexOf('/') + 1);
        const { temperature } = msg.payload;
        if (typeof temperature !== 'number') return null;
        const seq = (context.get('seq') || 0) + 1;
        context.set('seq', seq);
        const ts = new Date().toISOString();
        const reading = { version: 1, site: 'bench', deviceId, ts, seq, metrics: { temperature } };
        const anomaly = { version: 1, site: 'bench', deviceId, metric: 'temperature', value: temperature, limit: 30, ts };
        return [{ payload: reading }, temperature > 30 ? { payload: anomaly } : null];`,
    },
    { id: 'readings', z: 'tab', type: 'mqtt out', ...broker, topic: 'IoTBlog/sensorData', wires: [] },
    { id: 'anomalies', z: 'tab', type: 'mqtt out', ...broker, topic: 'IoTBlog/anomaly', wires: [] },
    {
      ...{ id: 'anomaly', z: 'tab', type: 'mqtt in', ...broker, topic: 'IoTBlog/anomaly', datatype: 'json' },
      wires: [['incident']],
    },
    {
      ...{ id: 'incident', z: 'tab', type: 'function', outputs: 1, wires: [['post']] },
      func: `
        const { deviceId, value, limit, ts } = msg.payload;
        msg.headers = { 'content-type': 'application/json' };
        msg.payload = {
          short_description: '[HIGH] ' + deviceId + ' temperature ' + value + ' above ' + limit,
          description: deviceId + ' measured ' + value + ' at ' + ts,
          correlation_id: 'bench/' + deviceId + '/temperature/upper',
          category: 'hardware', urgency: '2', impact: '2',
        };
        return msg;`,
    },
    {
      ...{ id: 'post', z: 'tab', type: 'http request', method: 'POST', ret: 'obj', persist: true, authType: 'basic' },
      ...{ url: `${url}/api/now/table/incident`, wires: [[]] },
    },
  ];
}

/** What belongs into the flow's file of credentials, by node. */
export function nodeRedCredentials(): Record<string, unknown> {
  const login = { user: access.username, password: access.password };
  return { broker: login, post: login };
}
