import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { AppError } from '../../device/platform/errors.ts';
import { makeCertificates } from './make-certificates.ts';

/** `npm run certs`. Exit codes: 0 written, 1 not written, 2 wrong options. */
const program = new Command('certs')
  .description('A test authority, and certificates for a device and a local broker: for mutual TLS without AWS.')
  .option('--folder <folder>', 'where to', 'certs')
  .option('--thing <name>', 'the device', 'IoT-blog_Core')
  .option('--host <name...>', 'names and addresses of the broker', ['localhost', '127.0.0.1'])
  .option('--port <number>', 'port of the broker', number(1, 65_535), 8_883)
  .option('--days <number>', 'how long they are valid', number(1, 365), 30)
  .option('--force', 'replace what is there', false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

interface Options {
  folder: string;
  thing: string;
  host: string[];
  port: number;
  days: number;
  force: boolean;
}

const { folder, thing, host, port, days, force } = program.opts<Options>();

try {
  const written = await makeCertificates({ folder, thing, hosts: host, port, validDays: days, force });
  const width = Math.max(...written.map(({ path }) => path.length));
  for (const { path, what } of written) console.log(`${path.padEnd(width)}  ${what}`);
  const files = { certFile: 'iot-ge.cert.pem', keyFile: 'iot-ge.private.key', caFile: 'root.ca.pem' };
  const settings = [
    'transport.kind=iot-core',
    `transport.iotCore.endpoint=${host[0]}`,
    ...(port === 8_883 ? [] : [`transport.iotCore.port=${port}`]),
    `transport.iotCore.thingName=${thing}`,
    ...(folder === 'certs'
      ? []
      : Object.entries(files).map(([field, file]) => `transport.iotCore.${field}=${join(folder, file)}`)),
  ];
  console.log(`\nValid for ${days} days, for tests alone. Next, in two terminals:`);
  console.log(`  mosquitto -c ${join(folder, 'mosquitto.conf')}`);
  console.log(`  npm run doctor -- ${settings.map((setting) => `--set ${setting}`).join(' ')}`);
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
  };
}
