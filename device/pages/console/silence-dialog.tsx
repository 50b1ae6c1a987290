import { useState } from 'preact/hooks';
import { type DeviceView, silenceRequest } from '../../console/contract.ts';
import { Dialog } from '../shared/dialog.tsx';
import type { ConsoleApi } from './console-api.ts';

/** What a new silence is about; null stands for all. */
export interface SilenceScope {
  site: string | null;
  deviceId: string | null;
  metric: string | null;
  rule: string | null;
}

export interface SilenceDialogProps {
  scope: SilenceScope;
  devices: readonly DeviceView[];
  api: ConsoleApi;
  onClose: () => void;
  onSet: () => Promise<void>;
}

const minuteMs = 60_000;
const durations = [
  { label: '15 minutes', durationMs: 15 * minuteMs },
  { label: '1 hour', durationMs: 60 * minuteMs },
  { label: '4 hours', durationMs: 240 * minuteMs },
  { label: '1 day', durationMs: 1_440 * minuteMs },
  { label: '1 week', durationMs: 7 * 1_440 * minuteMs },
  { label: '31 days', durationMs: 31 * 1_440 * minuteMs },
];
const rules = silenceRequest.shape.rule.unwrap().options;
const all = '';
/** Kept for the next silence of this person. */
const authorKey = 'console-author';

export function SilenceDialog({ scope, devices, api, onClose, onSet }: SilenceDialogProps) {
  const [device, setDevice] = useState(scope.deviceId === null ? all : JSON.stringify([scope.site, scope.deviceId]));
  const [metric, setMetric] = useState(scope.metric ?? all);
  const [rule, setRule] = useState(scope.rule ?? all);
  const [author, setAuthor] = useState(localStorage.getItem(authorKey) ?? '');
  const [reason, setReason] = useState('');
  const [durationMs, setDurationMs] = useState(60 * minuteMs);
  const metrics = [...new Set(['*', ...devices.flatMap((one) => one.metrics.map((view) => view.metric))])].sort();
  const chosen = devices.find((one) => JSON.stringify([one.site, one.deviceId]) === device);

  const submit = async () => {
    const request = silenceRequest.safeParse({
      site: device === all ? null : (chosen?.site ?? scope.site),
      deviceId: device === all ? null : (chosen?.deviceId ?? scope.deviceId),
      metric: metric === all ? null : metric,
      rule: rule === all ? null : rule,
      ...{ author, reason, durationMs },
    });
    if (!request.success)
      return request.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('. ');
    const answer = await api.silence(request.data);
    if (!answer.ok) return answer.error;
    localStorage.setItem(authorKey, request.data.author);
    await onSet();
    return undefined;
  };

  return (
    <Dialog title="New silence" action="Set silence" onSubmit={submit} onClose={onClose}>
      <p class="quiet">
        It holds incidents back and loses none: a breach that still fires when it ends opens its incident then, with its
        true start.
      </p>
      <div class="columns">
        <label class="field">
          Device
          <select value={device} onChange={(event) => setDevice(event.currentTarget.value)}>
            <option value={all}>all devices</option>
            {devices.map((one) => (
              <option key={`${one.site}\n${one.deviceId}`} value={JSON.stringify([one.site, one.deviceId])}>
                {one.deviceId} at {one.site}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          Metric
          <select value={metric} onChange={(event) => setMetric(event.currentTarget.value)}>
            <option value={all}>all metrics</option>
            {metrics.map((name) => (
              <option key={name} value={name}>
                {name === '*' ? '* (the whole sensor)' : name}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          Rule
          <select value={rule} onChange={(event) => setRule(event.currentTarget.value)}>
            <option value={all}>all rules</option>
            {rules.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          Ends after
          <select value={durationMs} onChange={(event) => setDurationMs(Number(event.currentTarget.value))}>
            {durations.map((one) => (
              <option key={one.label} value={one.durationMs}>
                {one.label}
              </option>
            ))}
          </select>
        </label>
      </div>
      <label class="field">
        <span class="required">Who sets it</span>
        <input required maxLength={100} value={author} onInput={(event) => setAuthor(event.currentTarget.value)} />
      </label>
      <label class="field">
        <span class="required">Why</span>
        <input required maxLength={500} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
    </Dialog>
  );
}
