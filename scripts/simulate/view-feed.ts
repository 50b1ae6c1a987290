import type { AnomalyMessage } from '../../device/anomaly/anomaly.ts';
import type { Config } from '../../device/config/schema.ts';
import type { Occurrence } from '../../device/incident/occurrence.ts';
import type { Told } from '../../device/outbox/tell.ts';
import type { Reading } from '../../device/reading/reading.ts';
import { incidentRow, stateName } from '../audit/incidents.ts';
import { createDeviceBoard } from './device-board.ts';
import type { Simulation } from './simulation.ts';
import type { IncidentView, ViewModel } from './view/view-model.ts';
import type { View } from './view/view-port.ts';
import { breachEvent, toldEvent } from './view-events.ts';

/** Incidents that the view lists. */
const mostIncidents = 20;

export interface ViewFeedOptions {
  view: View;
  config: Config;
  title: string;
  /** Where the password of the local ServiceNow is. */
  passwordIn: string;
}

const units: ReadonlyMap<string, string> = new Map([
  ['temperature', '°C'],
  ['humidity', '%RH'],
  ['pressure', 'hPa'],
]);

/** Turns what a run does into what its view shows. */
export function createViewFeed({ view, config, title, passwordIn }: ViewFeedOptions) {
  const board = createDeviceBoard({ thresholds: config.thresholds, unitOf: (metric) => units.get(metric) ?? '' });
  const notes = new Map<string, number>();
  const reopened = new Set<string>();
  let simulation: Simulation | undefined;
  let incidents: readonly IncidentView[] = [];
  let incidentsAreOld = true;
  let pausedFor: string | undefined;
  let fault: string | undefined;

  const metricsOf = (url: string | undefined) => (url === undefined ? undefined : `${url}/metrics`);
  const urlOf = (sysId: string) => `${simulation?.world.serviceNow.url ?? ''}/incident/${sysId}`;

  /** Says once that something begins, and once that it is over. */
  function tellChanges({ monitor, handler, time }: Simulation): void {
    const atMs = time.wallMs();
    const { gate } = handler.status().relay;
    const reason = gate.state === 'paused' ? (gate.reason ?? 'it failed repeatedly') : undefined;
    if (reason !== undefined && pausedFor === undefined) view.event({ atMs, kind: 'paused', text: reason });
    if (gate.state === 'open' && pausedFor !== undefined) {
      view.event({ atMs, kind: 'going on', text: 'ServiceNow answers again' });
    }
    pausedFor = gate.state === 'open' ? undefined : (reason ?? pausedFor);
    const { sensor } = monitor.status();
    if (sensor.fault !== undefined && sensor.fault.message !== fault) {
      view.event({ atMs, kind: 'fault', text: sensor.fault.message });
    }
    if (sensor.fault === undefined && fault !== undefined) {
      view.event({ atMs, kind: 'going on', text: 'the sensor answers again' });
    }
    fault = sensor.fault?.message;
    board.sensorFault(config.deviceId, fault);
  }

  function readIncidents({ world }: Simulation): readonly IncidentView[] {
    if (!incidentsAreOld) return incidents;
    incidentsAreOld = false;
    return world.serviceNow
      .rows('incident')
      .filter((row) => row['correlation_id'] !== '')
      .slice(-mostIncidents)
      .reverse()
      .map((raw) => {
        const row = incidentRow.parse(raw);
        return {
          number: row.number,
          state: stateName(row.state),
          shortDescription: row.short_description,
          openedAtMs: Date.parse(`${row.opened_at.replace(' ', 'T')}Z`),
          notes: notes.get(row.number) ?? 0,
          reopened: reopened.has(row.number),
          url: urlOf(row.sys_id),
        };
      });
  }

  function modelOf(running: Simulation, elapsedMs: number): ViewModel {
    const { monitor, handler, world, time } = running;
    const { readings, messages } = monitor.status();
    const { relay, counts } = handler.status();
    const links = [
      { name: 'ServiceNow', url: `${world.serviceNow.url}/` },
      ...[
        { name: 'console', url: running.consoleLink() },
        { name: 'monitor metrics', url: metricsOf(running.monitorUrl()) },
        { name: 'handler metrics', url: metricsOf(running.handlerUrl()) },
      ].flatMap(({ name, url }) => (url === undefined ? [] : [{ name, url }])),
    ];
    incidents = readIncidents(running);
    return {
      title,
      clock:
        config.sensor.kind === 'replay'
          ? { kind: 'recording', atMs: time.wallMs(), progress: undefined, elapsedMs }
          : { kind: 'live', elapsedMs },
      links,
      login: { user: world.serviceNow.credentials.username, passwordIn },
      devices: board.devices(),
      incidents,
      outbox: {
        waiting: counts.entries,
        deadLetters: counts.dead,
        paused:
          relay.gate.state === 'paused'
            ? { reason: relay.gate.reason ?? 'it failed repeatedly', forMs: relay.gate.forMs ?? 0 }
            : undefined,
        settlingMs: relay.settlingMs,
      },
      counters: [
        { name: 'readings', value: readings.read },
        { name: 'published', value: readings.published },
        { name: 'faults', value: readings.faults },
        { name: 'unanswered', value: messages.waiting },
        { name: 'created', value: relay.told.created },
        { name: 'notes', value: relay.told.noted },
        { name: 'resolved', value: relay.told.resolved },
      ],
    };
  }

  return {
    reading(reading: Reading): void {
      board.reading(reading);
    },
    anomaly(message: AnomalyMessage): void {
      board.anomaly(message);
      const event = breachEvent(message);
      if (event !== undefined) view.event(event);
    },
    told(told: Told, occurrence: Occurrence): void {
      incidentsAreOld = true;
      if (told.kind === 'reopened') reopened.add(told.number);
      if (told.kind === 'noted' || told.kind === 'recovered' || told.kind === 'reopened' || told.kind === 'joined') {
        notes.set(told.number, (notes.get(told.number) ?? 0) + 1);
      }
      const atMs = simulation?.time.wallMs() ?? Date.now();
      const event = toldEvent(told, occurrence, { atMs, urlOf });
      if (event !== undefined) view.event(event);
    },
    /** People work in the same table, so what is shown of it is read anew at times. */
    refresh(): void {
      incidentsAreOld = true;
    },
    show(running: Simulation, elapsedMs: number): void {
      simulation = running;
      tellChanges(running);
      view.update(modelOf(running, elapsedMs));
    },
  };
}
