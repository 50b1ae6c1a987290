import { performance } from 'node:perf_hooks';
import { type MetricFamily, type MetricSource, metricSource } from './metrics.ts';

interface ProcessStatus {
  software: string;
  cpuSeconds: number;
  residentBytes: number;
  heapBytes: number;
  startedAtSeconds: number;
  /** Share of time since the scrape before in which the event loop was busy. */
  eventLoopUtilization: number;
}

const families: readonly MetricFamily<ProcessStatus>[] = [
  {
    name: 'itsm_build_info',
    type: 'gauge',
    help: 'Always 1; the label names the release.',
    label: 'software',
    read: (status) => ({ [status.software]: 1 }),
  },
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time used by the process, user and system.',
    read: (status) => status.cpuSeconds,
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory of the process.',
    read: (status) => status.residentBytes,
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'Start of the process, in Unix time.',
    read: (status) => status.startedAtSeconds,
  },
  {
    name: 'nodejs_heap_size_used_bytes',
    type: 'gauge',
    help: 'Used part of the JavaScript heap.',
    read: (status) => status.heapBytes,
  },
  {
    name: 'nodejs_eventloop_utilization_ratio',
    type: 'gauge',
    help: 'Share of the time since the scrape before in which the event loop was busy, 0 to 1.',
    read: (status) => status.eventLoopUtilization,
  },
];

/** What a process is asked for everywhere. prom-client's own set would sample a histogram all the time; this costs nothing between scrapes. */
export function processMetrics(software: string): MetricSource {
  let before = performance.eventLoopUtilization();
  return metricSource(families, () => {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return {
      software,
      cpuSeconds: (user + system) / 1e6,
      residentBytes: rss,
      heapBytes: heapUsed,
      startedAtSeconds: performance.timeOrigin / 1_000,
      eventLoopUtilization: Number.isFinite(utilization) ? utilization : 0,
    };
  });
}
