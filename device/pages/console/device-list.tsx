import type { DeviceView } from '../../console/contract.ts';
import { deviceState, figure } from './labels.ts';

export interface DeviceListProps {
  devices: readonly DeviceView[];
  current: DeviceView | undefined;
  onChoose: (device: DeviceView) => void;
}

/** Every device that the handler serves, with what it measures now. */
export function DeviceList({ devices, current, onChoose }: DeviceListProps) {
  return (
    <nav class="device-list" aria-label="Devices">
      <ul class="plain">
        {devices.map((device) => {
          const { word, tone } = deviceState(device);
          return (
            <li key={`${device.site}\n${device.deviceId}`}>
              <button
                type="button"
                class="device-tile"
                aria-current={device === current ? 'true' : undefined}
                onClick={() => onChoose(device)}
              >
                <span class="device-name">{device.deviceId}</span>
                <span class={`badge ${tone}`}>{word}</span>
                <span class="quiet">
                  {device.metrics.map(({ value, unit }) => figure(value, unit)).join(' · ') || 'no readings'}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
