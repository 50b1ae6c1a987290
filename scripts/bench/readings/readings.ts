export const readings = 100_000;
export const readingsATenth = readings / 10;

const devices = 200;
/** Every fifth reading says anew what its device measured at the instant before. */
const repeatedEvery = 5;
/** Of so many readings in a row the last one says anew what the one before it says, so that both are of one batch. */
const pairEvery = 50;

/** A reading as the IoT rule writes it to the stream. */
export interface SentReading {
  deviceId: string;
  /** Device and instant: the key of its row. */
  key: string;
  /** Of its temperature; each place has one of its own. */
  value: number;
  data: string;
}

/** The reading that is sent at this place, of one of 200 devices. */
export function readingAt(place: number, fleet = 'bench'): SentReading {
  const spoken = place % pairEvery === pairEvery - 1 ? place - 1 : place;
  const deviceId = `${fleet}-${spoken % devices}`;
  const round = Math.floor(spoken / devices);
  const second = round % repeatedEvery === repeatedEvery - 1 ? round - 1 : round;
  const receivedAtMs = Date.UTC(2026, 0, 1) + second * 1_000;
  const ts = new Date(receivedAtMs).toISOString();
  const message = {
    ...{ version: 1, site: 'hall-2', deviceId, ts, seq: round, metrics: { temperature: place, humidity: 40.25 } },
    ...{ bootId: '2f1d6a3c', monotonicMs: second * 1_000, clockSynchronised: true, clockSource: 'chrony' },
  };
  const payload = Buffer.from(JSON.stringify(message)).toString('base64');
  const data = JSON.stringify({ data: payload, clientId: deviceId, receivedAtMs });
  return { deviceId, key: `${deviceId} ${ts}`, value: place, data };
}
