import { createEventStreams, type EventStreams } from '../../../pages/event-streams.ts';
import type { Time, Timer } from '../../../platform/time.ts';
import type { FaultControl } from '../faults.ts';
import type { Row } from '../tables.ts';
import { faultsInForce } from './fault-texts.ts';

/**
 * What the review page hears while it is open: `incidents` with the sys_ids of those that were written (their row, a
 * note or an attachment), `faults` with the faults in force when they change, `heartbeat`.
 */
export interface LiveChanges {
  /** To be called at each write of a record. */
  changed(table: string, row: Row): void;
  open(isWelcome: () => boolean): Response;
  stop(): void;
}

export interface LiveChangesOptions {
  /** Real time, whatever clock the instance runs on: browsers wait in it. */
  time: Time;
  faults: FaultControl;
  /** The clock of the faults. */
  faultNowMs: () => number;
}

/** A burst of writes is one event. */
const gatherMs = 50;
/** Faults come and go with time too, so they are looked at while somebody listens. */
const faultCheckMs = 1_000;
/** A replay writes hundreds in a moment: a page is then told to read everything anew. */
const mostSysIds = 100;

/** Field that names the incident, by table. A note writes the incident too. */
const incidentField: Readonly<Record<string, string>> = { incident: 'sys_id', sys_attachment: 'table_sys_id' };

export function createLiveChanges({ time, faults, faultNowMs }: LiveChangesOptions): LiveChanges {
  const streams: EventStreams = createEventStreams({ time });
  const written = new Set<string>();
  let gathering: Timer | undefined;
  let watching: Timer | undefined;
  let toldFaults = '';

  const inForce = () => faultsInForce(faults, faultNowMs());

  function watchFaults(): void {
    watching ??= time.after(faultCheckMs, () => {
      watching = undefined;
      if (streams.clients() === 0) return;
      const notices = inForce();
      const text = JSON.stringify(notices);
      if (text !== toldFaults) streams.send({ name: 'faults', data: notices });
      toldFaults = text;
      watchFaults();
    });
  }

  return {
    changed(table, row) {
      const sysId = row[incidentField[table] ?? ''];
      if (sysId === undefined || streams.clients() === 0) return;
      written.add(sysId);
      gathering ??= time.after(gatherMs, () => {
        gathering = undefined;
        const sysIds = written.size > mostSysIds ? 'many' : [...written];
        written.clear();
        streams.send({ name: 'incidents', data: sysIds });
      });
    },
    open(isWelcome) {
      const response = streams.open([{ name: 'faults', data: inForce() }], isWelcome);
      watchFaults();
      return response;
    },
    stop() {
      gathering?.cancel();
      watching?.cancel();
      streams.stop();
    },
  };
}
