import type { Clash } from './clash.ts';
import type { Config } from './schema.ts';

/** Where things are to be found: the instance, AWS IoT Core, our own ports. */
export function addressClashes({ serviceNow, http, transport }: Config): Clash[] {
  const found: Clash[] = [];
  const url = URL.canParse(serviceNow.url) ? new URL(serviceNow.url) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    found.push({ paths: [['serviceNow', 'url']], message: 'must be a URL such as https://dev1.service-now.com' });
  } else if (url.username !== '' || url.password !== '') {
    found.push({
      paths: [['serviceNow', 'url']],
      message: 'holds a user or password; put them into the secret instead',
    });
  } else if (url.pathname.includes('/api/now')) {
    found.push({
      paths: [['serviceNow', 'url']],
      message: 'is the URL of a table; give the base URL here, or the whole as snowUrl',
    });
  }
  if (!isTimeZone(serviceNow.timeZone)) {
    found.push({
      paths: [['serviceNow', 'timeZone']],
      message: 'is no time zone that this system knows; write UTC or, for example, Europe/Berlin',
    });
  }
  if (transport.kind === 'iot-core' && transport.iotCore.endpoint === undefined) {
    found.push({
      paths: [
        ['transport', 'iotCore', 'endpoint'],
        ['transport', 'kind'],
      ],
      message:
        'is missing, and transport.kind iot-core needs it: the address that `aws iot describe-endpoint --endpoint-type iot:Data-ATS` prints',
    });
  }
  if (http.monitorPort > 0 && http.monitorPort === http.handlerPort) {
    const message = `${http.handlerPort} is http.monitorPort too; give two ports, 0 for any free one, or -1 for none`;
    found.push({
      paths: [
        ['http', 'handlerPort'],
        ['http', 'monitorPort'],
      ],
      message,
    });
  }
  return found;
}

function isTimeZone(name: string): boolean {
  // To ask loads the tables of all zones, which costs a start some ten milliseconds.
  if (name === 'UTC') return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
