/**
 * Child process around nodeimu, the native addon under the package node-sense-hat. It is a process of its own because
 * the addon ends its process where it finds no IMU, and may hang it; nodeimu is required under node-sense-hat because
 * the package itself throws where there is no LED matrix. Plain JavaScript, so that it runs as it is.
 *
 * Argument: the folder or file from which the package is resolved. Messages: `{ id }` in; `{ id, values }` or
 * `{ id, error, absent? }` out.
 */
import { createRequire } from 'node:module';

const from = process.argv[2] ?? import.meta.url;

/** @type {{ getValue(callback: (error: unknown, data: Record<string, unknown>) => void): void } | undefined} */
let imu;

function open() {
  const sense = createRequire(from).resolve('node-sense-hat/package.json');
  const { IMU } = createRequire(sense)('nodeimu');
  return new IMU();
}

process.on('message', ({ id }) => {
  try {
    imu ??= open();
  } catch (error) {
    const absent = error?.code === 'MODULE_NOT_FOUND';
    process.send({ id, error: String(error?.message ?? error), absent });
    return;
  }
  imu.getValue((error, data) => {
    if (error) process.send({ id, error: String(error.message ?? error), absent: false });
    else
      process.send({ id, values: { temperature: data.temperature, humidity: data.humidity, pressure: data.pressure } });
  });
});

process.on('disconnect', () => process.exit(0));
