import type { Overview } from '../../console/contract.ts';
import { durationText } from '../shared/time-text.ts';

/** Whether incidents are told, and what waits. */
export function HandlerState({ overview }: { overview: Overview }) {
  const { outbox } = overview;
  return (
    <>
      {reasonsOf(overview).map((reason) => (
        <p key={reason} class="banner warn" role="status">
          {reason}
        </p>
      ))}
      <section class="card card-body" aria-label="Outbox">
        <dl class="tiles">
          <Tile name="Outbox" value={outbox.waiting} note={outboxNote(overview)} />
          <Tile
            name="Oldest waits"
            value={outbox.oldestAgeMs === null ? '–' : durationText(outbox.oldestAgeMs)}
            note={outbox.dueKeys === 0 ? 'nothing is due' : `${outbox.dueKeys} due, ${outbox.inFlightKeys} under way`}
          />
          <Tile
            name="Dead letters"
            value={outbox.deadLetters}
            note={outbox.deadLetters === 0 ? 'none' : 'refused by the instance'}
            isBad={outbox.deadLetters > 0}
          />
          <Tile
            name="Breaches now"
            value={overview.breaches.filter(({ endedAtMs }) => endedAtMs === null).length}
            note={`${overview.devices.length} device${overview.devices.length === 1 ? '' : 's'}`}
          />
        </dl>
      </section>
    </>
  );
}

interface TileProps {
  name: string;
  value: number | string;
  note: string;
  isBad?: boolean;
}

function Tile({ name, value, note, isBad = false }: TileProps) {
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd>
        <strong class={isBad ? 'bad' : undefined}>{value}</strong> <span class="quiet">{note}</span>
      </dd>
    </div>
  );
}

function outboxNote({ outbox }: Overview): string {
  if (outbox.settlingMs > 0) return `first write in ${durationText(outbox.settlingMs)}`;
  return outbox.waiting > outbox.dueKeys ? 'quiet periods among them' : 'to be told';
}

function reasonsOf(overview: Overview): string[] {
  const { claim, servedBy, brokerFault, storeFull, outbox, instance, readingsRefused } = overview;
  const reasons: string[] = [];
  if (brokerFault !== null)
    reasons.push(`The handler is not connected to the broker, so no device is heard: ${brokerFault}.`);
  if (storeFull) reasons.push('The disk is full: messages are neither stored nor answered. Make room.');
  if (claim === 'passive')
    reasons.push(`Another handler (${servedBy ?? 'unknown'}) serves ${instance}; this one stays passive.`);
  if (outbox.gate !== 'open') {
    reasons.push(`Deliveries to ${instance} pause: ${outbox.gateReason ?? 'it failed repeatedly'}`);
  }
  if (outbox.aside > 0) reasons.push(`${outbox.aside} steps of an earlier instance were put aside when it changed.`);
  if (readingsRefused.noRoom > 0) {
    reasons.push('More devices speak than have room here (console.maxDevices): the latest ones have no curves.');
  }
  return reasons;
}
