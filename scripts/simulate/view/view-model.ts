/** What the terminal shows of a run: plain values, no text of it is trusted. Instants are epoch ms. */
export interface ViewModel {
  /** Scenario or recording, in words. */
  title: string;
  clock: ViewClock;
  /** Addresses to open: the ServiceNow, metrics, … */
  links: readonly { name: string; url: string }[];
  /** How to log in at the ServiceNow. */
  login: { user: string; passwordIn: string } | undefined;
  devices: readonly DeviceView[];
  /** Newest first. */
  incidents: readonly IncidentView[];
  outbox: OutboxView;
  /** Counts worth a look, e.g. readings published; in this order. */
  counters: readonly { name: string; value: number }[];
}

export type ViewClock =
  | { kind: 'live'; elapsedMs: number }
  /** `progress`: 0..1, where it is known how long the recording is. */
  | { kind: 'recording'; atMs: number; progress: number | undefined; elapsedMs: number };

export interface DeviceView {
  name: string;
  metrics: readonly MetricView[];
  /** What ails the sensor, in words; undefined when it is well. */
  sensorFault: string | undefined;
  /** Rules of the whole sensor, such as no-data. */
  firing: readonly FiringRule[];
}

export interface MetricView {
  metric: string;
  unit: string;
  /** Undefined before the first reading. */
  value: number | undefined;
  upper: number | undefined;
  lower: number | undefined;
  /** Latest values, oldest first; the last 60 are drawn. */
  history: readonly number[];
  /** Beyond a limit, but not for long enough yet. */
  pendingSinceMs: number | undefined;
  firing: readonly FiringRule[];
}

export interface FiringRule {
  rule: string;
  sinceMs: number;
  severity: string;
}

export interface IncidentView {
  number: string;
  /** As ServiceNow shows it: New, In Progress, … */
  state: string;
  shortDescription: string;
  openedAtMs: number;
  notes: number;
  reopened: boolean;
  url: string;
}

export interface OutboxView {
  waiting: number;
  deadLetters: number;
  /** Why the ServiceNow is not asked at present. */
  paused: { reason: string; forMs: number } | undefined;
  /** Until it is sure that no request of an earlier start is still on its way; 0 when it is. */
  settlingMs: number;
}

/** Something that happened, once. */
export interface ViewEvent {
  atMs: number;
  kind: ViewEventKind;
  /** A sentence or a headline, without the time. */
  text: string;
  url?: string | undefined;
}

export const viewEventKinds = [
  'breach',
  'created',
  'note',
  'recovered',
  'resolved',
  'reopened',
  'fault',
  'paused',
  'going on',
  'info',
] as const;
export type ViewEventKind = (typeof viewEventKinds)[number];
