import type { Focus } from './schedule.ts';

/** One line of the code under test, changed so that something does not hold any more. */
export interface Mutant {
  name: string;
  file: string;
  /** Stands in the file once; else the mutant is stale. */
  find: string;
  replace: string;
  /** Schedules in which it can be seen. */
  focus?: readonly Focus[];
  /**
   * Looked for by a direct check: the roll call repairs what it breaks before anybody sees it, or it shows only after more
   * breaches than a schedule has.
   */
  direct?: 'answer after commit' | 'high-water mark' | 'bounded history' | 'bounded memory';
}

const relay = 'device/outbox/relay.ts';
const policy = 'device/incident/policy.ts';
const lookUp = 'device/outbox/look-up.ts';
const intake = 'device/handler/intake.ts';

export const mutants: readonly Mutant[] = [
  {
    name: 'no resend of what was not answered',
    file: 'device/monitor/delivery.ts',
    find: 'due.set(key, time.monotonicMs() + backoff.baseMs + backoffMs(line.attempts, backoff, deps.random));',
    replace: 'due.delete(key); void [backoff, backoffMs];',
    focus: ['network', 'loss-of-messages'],
  },
  {
    name: 'no look-up before a write',
    file: relay,
    find: 'items.map((item) => tell(item, rows.get(item.key) ?? [], lookedUpAtMs, begun))',
    replace: 'items.map((item) => tell(item, [], lookedUpAtMs, begun))',
  },
  {
    name: 'no settle time after a create',
    file: relay,
    find: "if (failure.kind === 'ambiguous') {\n      keys.settle(key, options.settleMs);",
    replace:
      "if (failure.kind === 'ambiguous') {\n      keys.settle(key, entry.kind === 'open' ? 0 : options.settleMs);",
    focus: ['fault'],
  },
  {
    name: 'no settle time after another write',
    file: relay,
    find: "if (failure.kind === 'ambiguous') {\n      keys.settle(key, options.settleMs);",
    replace:
      "if (failure.kind === 'ambiguous') {\n      keys.settle(key, entry.kind === 'open' ? options.settleMs : 0);",
    focus: ['fault'],
  },
  {
    name: 'no settle time after a crash',
    file: relay,
    find: 'keys.add(correlationId, attemptOpen ? options.settleMs : 0);',
    replace: 'keys.add(correlationId, 0); void attemptOpen;',
    focus: ['crash', 'late-commit'],
  },
  {
    name: 'no settle time of an empty store',
    file: relay,
    find: '(unknownWrites || !store.hasWritten() ? options.settleMs : 0)',
    replace: '(unknownWrites ? options.settleMs : 0)',
    focus: ['crash', 'late-commit', 'loss-of-store'],
  },
  {
    name: 'an attempt is not stored before it is sent',
    file: relay,
    find: '    store.beginAttempt(entry.id);\n    store.markWritten();',
    replace: '    store.markWritten();',
    focus: ['crash', 'late-commit'],
  },
  {
    name: 'an empty answer is believed',
    file: lookUp,
    find: "if (somethingIsMissing && !proven) return { outcome: 'blind' };",
    replace: 'void [somethingIsMissing, proven];',
    focus: ['fault'],
  },
  {
    name: 'rows that were not asked for are taken for the key’s',
    file: lookUp,
    find: "return { outcome: 'mismatch', row };\n    if (seen.has(row.sysId)) continue;\n    seen.add(row.sysId);\n    ofKey?.push(row);",
    replace: "rows.get(asked.correlationIds[0] ?? '')?.push(row);\n    seen.add(row.sysId);\n    ofKey?.push(row);",
    focus: ['fault', 'dropped-query'],
  },
  {
    name: 'no roll call',
    file: 'device/monitor/status-feed.ts',
    find: "  function rollCall(of: 'all' | 'heard'): void {",
    replace: "  function rollCall(of: 'all' | 'heard'): void {\n    if (of !== undefined) return;",
    focus: ['crash', 'loss-of-store'],
  },
  {
    name: 'no walk of the rows',
    file: 'device/handler/walks.ts',
    find: 'for (const [name, walk] of waiting) if (walk.notBeforeMs <= nowMs) return [name, walk];',
    replace: 'void nowMs;',
    focus: ['crash', 'loss-of-store'],
  },
  {
    name: 'the marker of a note is not looked for',
    file: policy,
    find: 'return row.workNotes.includes(',
    replace: 'return row.sysId.includes(',
    focus: ['fault'],
  },
  {
    name: 'the name of an attachment is not looked for',
    file: 'device/outbox/tell.ts',
    find: "if (names.value.includes(name)) return { ok: true, value: 'not wanted' };",
    replace: '',
    focus: ['charts', 'fault'],
  },
  {
    name: 'messages of a key do not wait for each other',
    file: 'device/monitor/journal.ts',
    find: 'AND key = ? ORDER BY sequence LIMIT 1`),',
    replace: 'AND key = ? ORDER BY sequence DESC LIMIT 1`),',
    focus: ['network', 'offline'],
  },
  {
    name: 'stamps of a wrong clock are not corrected',
    file: 'device/monitor/stamp-clock.ts',
    find: 'return Math.abs(errorMs) < leastErrorMs ? 0 : errorMs;',
    replace: 'return Math.abs(errorMs) < leastErrorMs ? 0 : 0;',
    focus: ['wrong-clock'],
  },
  {
    name: 'nothing is resolved',
    file: intake,
    find: "    store.addEntry(occurrence, 'resolve', Date.parse(at) + options.policy.quietMs);",
    replace: '    void at;',
  },
  {
    name: 'a breach that goes on does not call off the resolution',
    file: intake,
    find: "if (placed.place === 'wanted' && occurrence.silence === 'none') goOn(occurrence);",
    replace: 'void goOn;',
  },
  {
    name: 'what is on hold is resolved',
    file: policy,
    find: "if (row.state !== 'new' && row.state !== 'in-progress') return",
    replace: "if (row.state !== 'new' && row.state !== 'in-progress' && row.state !== 'on-hold') return",
    focus: ['person'],
  },
  {
    name: 'what a person resolved is reopened by the same breach',
    file: policy,
    find: "  if (isResolvedByUs(row)) return { do: 'reopen', row };",
    replace: "  if (row.state === 'resolved') return { do: 'reopen', row };",
    focus: ['person'],
  },
  {
    name: 'what a person deleted is opened again',
    file: policy,
    find: "  if (row === undefined) return { do: 'release', why: 'deleted', row: undefined };",
    replace: "  if (row === undefined) return { do: 'create', follows: undefined };",
    focus: ['person'],
  },
  {
    name: 'a silence is not looked at',
    file: 'device/incident/silence.ts',
    find: 'return silences.some((silence) => nowMs < silence.endsAtMs && covers(silence, key));',
    replace: 'return silences.some((silence) => nowMs < 0 && covers(silence, key));',
    focus: ['silence'],
  },
  {
    name: 'what fires when its silence ends is forgotten',
    file: intake,
    find: "      if (!holds && firing.silence === 'holds') lift(firing);",
    replace: '      void lift;',
    focus: ['silence'],
  },
  {
    name: 'no storm guard',
    file: 'device/incident/storm-guard.ts',
    find: 'if (recent.length >= policy.keys)',
    replace: 'if (recent.length >= policy.keys + 1_000)',
    focus: ['storm', 'calm'],
  },
  {
    name: 'a storm lists only what begins it',
    file: intake,
    find: "    store.putOccurrence({ ...storm, message: nextOwn(storm, { phase, value: count, peak: count }) });\n    add(storm, 'update');",
    replace: '    void [phase, count];',
    focus: ['storm'],
  },
  {
    name: 'what a full disk kept in memory is not reported',
    file: 'device/monitor/devices.ts',
    find: 'for (const device of present.values()) committed.push(recorder.settleWithin(device));',
    replace: '',
    focus: ['disk-full'],
  },
  {
    name: 'after a change of instance open breaches do not open there',
    file: 'device/handler/change-of-instance.ts',
    find: "if (!stays) store.addEntry(moved, 'open');",
    replace: '',
    focus: ['change-instance'],
  },
  {
    name: 'an answered message stays in the journal',
    file: 'device/monitor/delivery.ts',
    find: 'else journal.deleteMessage(id);',
    replace: '',
  },
  {
    name: 'an ended attempt stays in the outbox',
    file: relay,
    find: '    store.finishEntry(item.entry.id);',
    replace: '',
  },
  {
    name: 'credentials that an answer repeats are not taken out of it',
    file: 'device/incident/servicenow/session.ts',
    find: ".reduce((clean, secret) => clean.replaceAll(secret, '[redacted]'), text),",
    replace: '.reduce((clean) => clean, text),',
    focus: ['fault'],
  },
  {
    name: 'ended breaches are kept for ever',
    file: 'device/handler/store/occurrences.ts',
    find: '      sql.trimRetired.run(keep);',
    replace: '      void keep;',
    direct: 'bounded history',
  },
  {
    name: 'readings that cannot be published are all kept',
    file: 'device/monitor/reading-feed.ts',
    find: '    if (size() <= capacity) return 0;',
    replace: '    if (size() <= 1e9 * capacity) return 0;',
    direct: 'bounded memory',
  },
  {
    name: 'a walk that had to put a row off is not walked again',
    file: 'device/handler/walks.ts',
    find: "if (found.complete && outcome === 'done') walked.add(name);",
    replace: 'if (found.complete) walked.add(name);',
    focus: ['loss-of-store', 'crash', 'storm', 'network'],
  },
  {
    name: 'the answer goes out before the commit',
    file: 'device/handler/reception.ts',
    find: '      return () => {\n        messages[verdict.result] += 1;',
    replace: '      answer(message, verdict);\n      return () => {\n        messages[verdict.result] += 1;',
    direct: 'answer after commit',
  },
  {
    name: 'the high-water mark is forgotten',
    file: intake,
    find: '    store.setHighWater(message, correlation, message.sequence);',
    replace: '',
    direct: 'high-water mark',
  },
];
