// Stands for the runtime that Lambda has for Node: the emulator has none. The loop of the Runtime API, and nothing else.
import { request } from 'node:http';

const { AWS_LAMBDA_RUNTIME_API: api, LAMBDA_TASK_ROOT: task, _HANDLER: handlerName = 'index.handler' } = process.env;

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const sent = request(`http://${api}/2018-06-01/runtime/${path}`, { method }, async (answer) => {
      const chunks = [];
      for await (const chunk of answer) chunks.push(chunk);
      resolve({ headers: answer.headers, text: Buffer.concat(chunks).toString() });
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const told = (error) => ({ errorType: error.name, errorMessage: error.message });
const [file, name] = handlerName.split('.');
let handler;
try {
  handler = (await import(`file://${task}/${file}.mjs`))[name];
} catch (error) {
  await call('POST', 'init/error', told(error));
  process.exit(1);
}
for (;;) {
  const { headers, text } = await call('GET', 'invocation/next');
  const id = headers['lambda-runtime-aws-request-id'];
  try {
    await call('POST', `invocation/${id}/response`, (await handler(JSON.parse(text), { awsRequestId: id })) ?? null);
  } catch (error) {
    await call('POST', `invocation/${id}/error`, told(error));
  }
}
