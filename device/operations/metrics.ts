import { Counter, Gauge, Registry } from 'prom-client';
import type { HttpApp } from './http-server.ts';

/**
 * One metric, read from a status when it is asked for, so that nothing is counted twice and a reading costs nothing.
 * Values of a label are a closed set: no device, key or incident is one.
 */
export interface MetricFamily<Status> {
  /** Counters end with `_total`; the unit, in base units, stands before that. */
  name: string;
  type: 'counter' | 'gauge';
  help: string;
  label?: string;
  /** One value, or values by the label's; undefined while there is none. */
  read: (status: Status) => number | Readonly<Record<string, number>> | undefined;
}

/** The metrics of one part of a component. `status` is called once a scrape. */
export interface MetricSource {
  register(registry: Registry): void;
  refresh(): void;
}

export function metricSource<Status>(families: readonly MetricFamily<Status>[], status: () => Status): MetricSource {
  const setters: ((status: Status) => void)[] = [];
  return {
    register(registry) {
      setters.push(...families.map((family) => setterOf(family, registry)));
    },
    refresh() {
      const now = status();
      for (const set of setters) set(now);
    },
  };
}

function setterOf<Status>(family: MetricFamily<Status>, registry: Registry): (status: Status) => void {
  const { name, help, label } = family;
  const options = { name, help, labelNames: label === undefined ? [] : [label], registers: [registry] };
  const metric = family.type === 'counter' ? new Counter(options) : new Gauge(options);
  return (status) => {
    const value = family.read(status);
    metric.reset();
    if (value === undefined) metric.remove({});
    else if (typeof value === 'number') metric.inc(value);
    else for (const [at, count] of Object.entries(value)) metric.inc({ [label ?? '']: at }, count);
  };
}

/** `/metrics` in Prometheus' text format, from a registry of the component's own. */
export function mountMetrics(app: HttpApp, sources: readonly MetricSource[]): void {
  const registry = new Registry();
  for (const source of sources) source.register(registry);
  app.get('/metrics', async (c) => {
    for (const source of sources) source.refresh();
    return c.body(await registry.metrics(), 200, { 'Content-Type': registry.contentType });
  });
}
