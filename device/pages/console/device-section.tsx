import type { DeviceView, Overview } from '../../console/contract.ts';
import { Instant } from '../shared/instant.tsx';
import { useKeys } from '../shared/use-keys.tsx';
import type { ConsoleApi } from './console-api.ts';
import type { LiveFeed } from './live.ts';
import { MetricCard } from './metric-card.tsx';
import { RuleList } from './rule-list.tsx';
import type { SilenceScope } from './silence-dialog.tsx';
import { fixed, moved, stretchOf, type TimeWindow, zoomed } from './time-window.ts';
import { useCurves } from './use-curves.tsx';
import { WindowBar } from './window-bar.tsx';

export interface DeviceSectionProps {
  device: DeviceView;
  overview: Overview;
  feed: LiveFeed;
  /** Counts up when events may have been missed. */
  openings: number;
  api: ConsoleApi;
  window: TimeWindow;
  onWindow: (window: TimeWindow) => void;
  onSilence: (scope: SilenceScope) => void;
}

/** One device: how it is, its curves, and the rules that watch it. */
export function DeviceSection({
  device,
  overview,
  feed,
  openings,
  api,
  window,
  onWindow,
  onSilence,
}: DeviceSectionProps) {
  const { nowMs, historyMs } = overview;
  const { site, deviceId, metrics } = device;
  const { curves, gapMs, problem } = useCurves({ api, site, deviceId, window, nowMs, feed, openings });
  const stretch = stretchOf(window, nowMs);
  const breaches = overview.breaches.filter((breach) => breach.site === site && breach.deviceId === deviceId);
  const scopeOf = (metric: string) => (rule: string) => onSilence({ site, deviceId, metric, rule });
  useKeys({
    ArrowLeft: () => onWindow(moved(window, -0.5, nowMs, historyMs)),
    ArrowRight: () => onWindow(moved(window, 0.5, nowMs, historyMs)),
    '+': () => onWindow(zoomed(window, 0.5, nowMs, historyMs)),
    '-': () => onWindow(zoomed(window, 2, nowMs, historyMs)),
    l: () => onWindow({ kind: 'live', spanMs: stretch.toMs - stretch.fromMs }),
  });

  return (
    <section class="stack" aria-labelledby="device-heading">
      <div class="card">
        <div class="card-header">
          <h2 id="device-heading">
            {deviceId} <span class="quiet">at {site}</span>
          </h2>
          <SensorHealth device={device} />
        </div>
        <div class="card-body stack">
          <WindowBar window={window} stretch={stretch} nowMs={nowMs} historyMs={historyMs} onWindow={onWindow} />
          {device.rules.length === 0 ? null : (
            <RuleList rules={device.rules} breaches={breaches} onSilence={scopeOf('*')} />
          )}
          {problem === undefined ? null : (
            <p class="banner bad" role="alert">
              {problem}
            </p>
          )}
        </div>
      </div>
      <div class="curves">
        {metrics.map((metric) => (
          <MetricCard
            key={metric.metric}
            metric={metric}
            points={curves.get(metric.metric) ?? []}
            gapMs={gapMs}
            stretch={stretch}
            breaches={breaches.filter((breach) => breach.metric === metric.metric || breach.metric === '*')}
            onSelect={(selected) => onWindow(fixed(selected, nowMs, historyMs))}
            onSilence={scopeOf(metric.metric)}
          />
        ))}
        {metrics.length === 0 ? <p class="card empty">No readings of this device are kept.</p> : null}
      </div>
    </section>
  );
}

function SensorHealth({ device }: { device: DeviceView }) {
  const { sensor, lastReadingAtMs, clockSynchronised } = device;
  const [tone, word] =
    sensor === null ? ['', 'no heartbeat yet'] : sensor === 'ok' ? ['good', 'sensor ok'] : ['warn', 'sensor fault'];
  return (
    <>
      <span class={`badge ${tone}`}>{word}</span>
      {sensor === null || sensor === 'ok' ? null : <span class="warn">{sensor}</span>}
      {clockSynchronised === false ? <span class="badge warn">clock not synchronised</span> : null}
      <span class="quiet">
        {lastReadingAtMs === null ? 'no reading yet' : 'last reading '}
        <Instant atMs={lastReadingAtMs ?? undefined} short />
      </span>
    </>
  );
}
