import { Agent } from 'node:http';
import axios from 'axios';
import { access } from './access.ts';

/** An axios client that only POSTs, with as many connections as the handler has. */
const [url = '', count = '', concurrency = ''] = process.argv.slice(2);
const client = axios.create({ httpAgent: new Agent({ keepAlive: true }), auth: access });
let next = 0;
async function post(): Promise<void> {
  while (next < Number(count)) {
    next += 1;
    await client.post(`${url}/api/now/table/incident`, {
      short_description: `[HIGH] b${next} temperature 35 above 30`,
      description: `b${next} measured 35`,
      correlation_id: `bench/b${next}/temperature/upper`,
      ...{ category: 'hardware', urgency: '2', impact: '2' },
    });
  }
}
process.once('message', async () => {
  await Promise.all(Array.from({ length: Number(concurrency) }, post));
  process.exit(0);
});
process.send?.('ready');
