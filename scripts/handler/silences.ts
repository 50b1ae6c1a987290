import { userInfo } from 'node:os';
import { storeSilence } from '../../device/handler/silences.ts';
import type { HandlerStore } from '../../device/handler/store.ts';
import type { Silence } from '../../device/incident/silence.ts';
import { AppError } from '../../device/platform/errors.ts';
import { isoUtc } from '../../device/platform/time.ts';
import { type Answer, soon } from './commands.ts';
import { table } from './table.ts';

/** What the command line names of a silence; what is left out stands for all. */
export interface SilenceOptions {
  site?: string;
  device?: string;
  metric?: string;
  rule?: string;
  for: number;
  reason: string;
  author?: string;
}

/** `id` is 32 random hex digits. @throws AppError `bad-silence`, before anything is changed. */
export function silence(store: HandlerStore, options: SilenceOptions, now: { id: string; nowMs: number }): Answer {
  const { site, device, metric, rule, reason } = options;
  const request = {
    ...{ site: site ?? null, deviceId: device ?? null, metric: metric ?? null, rule: rule ?? null },
    ...{ author: options.author ?? userInfo().username, reason, untilMs: now.nowMs + options.for },
  };
  const set = store.transaction(() => storeSilence(store, request, now));
  return {
    data: { silence: viewOf(set) },
    text: `Silence ${set.id} holds back what is told of ${scopeOf(set)} until ${isoUtc(set.endsAtMs)}. ${soon}\nTo end it before: npm run handler -- end-silence ${set.id}\n`,
  };
}

export function silences(store: HandlerStore, nowMs: number): Answer {
  const lasting = store.silences().filter(({ endsAtMs }) => nowMs < endsAtMs);
  const rows = lasting.map((one) => [one.id, isoUtc(one.endsAtMs), scopeOf(one), one.author, one.reason]);
  const { silenced } = store.counts();
  const text =
    lasting.length === 0
      ? 'There are no silences.\n'
      : `${table(['ID', 'UNTIL', 'WHAT', 'AUTHOR', 'REASON'], rows)}\nBreaches that last and are held back: ${silenced}\n`;
  return { data: { silences: lasting.map(viewOf), silenced }, text };
}

/** @throws AppError `no-such-silence` */
export function endSilence(store: HandlerStore, id: string): Answer {
  if (!store.removeSilence(id)) {
    throw new AppError(
      'no-such-silence',
      `There is no silence ${id}; it may have ended. List them: npm run handler -- silences`,
    );
  }
  return { data: { ended: id }, text: `Silence ${id} has ended: what still fires opens now. ${soon}\n` };
}

function scopeOf({ site, deviceId, metric, rule }: Silence): string {
  const parts = [part('site', site), part('device', deviceId), part('metric', metric), part('rule', rule)];
  return parts.filter((one) => one !== undefined).join(', ') || 'everything';
}

function part(name: string, value: string | null): string | undefined {
  return value === null ? undefined : `${name} ${value}`;
}

function viewOf({ startsAtMs, endsAtMs, ...rest }: Silence) {
  return { ...rest, startsAt: isoUtc(startsAtMs), endsAt: isoUtc(endsAtMs) };
}
