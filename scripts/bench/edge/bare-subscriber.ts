import { connect } from 'mqtt';
import { access } from './access.ts';

/** An MQTT.js client that parses what it hears, and nothing else: the most that a subscriber could do. */
const [port = '', expected = ''] = process.argv.slice(2);
const client = connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4, clientId: 'bare', ...access });
let heard = 0;
client.on('connect', () => client.subscribe('IoTBlog/gateway/+', { qos: 1 }, () => process.send?.('ready')));
if (process.env['CORK'])
  client.once('connect', () =>
    client.stream.prependListener('data', () => {
      client.stream.cork();
      setImmediate(() => client.stream.uncork());
    }),
  );
client.on('message', (_topic, payload) => {
  JSON.parse(payload.toString());
  heard += 1;
  if (heard === Number(expected)) process.send?.('heard all');
});
process.on('disconnect', () => process.exit(0));
