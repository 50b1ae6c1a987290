import type { Metrics } from '../reading/reading.ts';

/**
 * Saturation pressure of water vapour over water, hPa, for −45..60 °C.
 * Source: Magnus formula with the coefficients of Sonntag (1990).
 */
function saturationHpa(celsius: number): number {
  return 6.112 * Math.exp((17.62 * celsius) / (243.12 + celsius));
}

/**
 * Relative humidity, %RH in 0..100, that air of `percent` at `fromCelsius` has once it is at `toCelsius` with the same
 * dew point: 35 % at 33 °C is 55.6 % at 25 °C.
 */
export function humidityAt(percent: number, fromCelsius: number, toCelsius: number): number {
  const moved = (percent * saturationHpa(fromCelsius)) / saturationHpa(toCelsius);
  return Math.min(100, Math.max(0, moved));
}

/**
 * What a sensor that the CPU warms would show without it: `t − (tCpu − t) / factor`, and humidity at the corrected
 * temperature with the same dew point. Other metrics stay. `factor` belongs to the installation.
 */
export function compensate(raw: Metrics, cpuCelsius: number, factor: number): Metrics {
  const { temperature, humidity } = raw;
  if (temperature === undefined) return raw;
  const corrected = temperature - (cpuCelsius - temperature) / factor;
  return {
    ...raw,
    temperature: corrected,
    ...(humidity === undefined ? {} : { humidity: humidityAt(humidity, temperature, corrected) }),
  };
}

/** Mean of the latest `length` values that were added; the CPU's temperature jumps more than the air's. */
export function movingMean(length: number): (value: number) => number {
  const latest: number[] = [];
  return (value) => {
    latest.push(value);
    if (latest.length > length) latest.shift();
    return latest.reduce((sum, one) => sum + one, 0) / latest.length;
  };
}
