import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { Announcement, AnnouncePorts } from './announce.ts';
import { eventSource } from './contract.ts';

/** EventBridge takes ten events a request; a device is far below its bound of bytes. */
const mostEvents = 10;

/** Error codes of single events that another try does not change. */
const refusals = new Set(['InvalidArgument', 'MalformedDetail']);

/** Tells request after request, and stops after the first of which the bus left something. */
export function createEventBus(events: Pick<EventBridgeClient, 'send'>, busName: string): AnnouncePorts['bus'] {
  return {
    async tell(announcements) {
      const refused: { announcement: Announcement; why: string }[] = [];
      for (let start = 0; start < announcements.length; start += mostEvents) {
        const some = announcements.slice(start, start + mostEvents);
        const { Entries = [] } = await events.send(
          new PutEventsCommand({ Entries: some.map((announcement) => entryOf(announcement, busName)) }),
        );
        for (const [place, announcement] of some.entries()) {
          const { EventId, ErrorCode = 'no answer', ErrorMessage = '' } = Entries[place] ?? {};
          if (EventId !== undefined) continue;
          if (!refusals.has(ErrorCode)) return { refused, left: announcement };
          refused.push({ announcement, why: `${ErrorCode} ${ErrorMessage}` });
        }
      }
      return { refused, left: undefined };
    },
  };
}

function entryOf({ type, atMs, detail }: Announcement, busName: string) {
  return {
    EventBusName: busName,
    Source: eventSource,
    DetailType: type,
    Time: new Date(atMs),
    Detail: JSON.stringify(detail),
  };
}
