import { gaussian, seededRandom } from '../../platform/random.ts';
import { humidityAt } from '../compensation.ts';

/** A room as a Sense HAT above a warm CPU sees it. */
export interface Weather {
  temperature: number;
  humidity: number;
  pressure: number;
}

const dayMs = 86_400_000;
/** How far the room follows the sun behind it. */
const lagMs = 2 * 3_600_000;
/** Mean distance of the CPU above the room, °C, and how much of it reaches the sensor: `t = room + (cpu − t) / 8`. */
const cpuAboveRoom = 24;
const heatFactor = 8;
const meanHeat = cpuAboveRoom / (heatFactor + 1);
const stepMs = 250;

/**
 * The weather without chance, `elapsedMs` after the start (at nine in the morning): a daily sine that the room follows
 * with a lag, the CPU's mean heat on top, and humidity at the room's dew point.
 */
export function meanWeather(elapsedMs: number): Weather {
  const sun = Math.sin((2 * Math.PI * (elapsedMs - lagMs)) / dayMs);
  const room = 21.5 + 2 * sun;
  const temperature = room + meanHeat;
  return { temperature, humidity: humidityAt(51 - 3 * sun, room, temperature), pressure: 1_013 - 1.5 * sun };
}

export interface Chance extends Weather {
  /** Temperature of the CPU above the sensor's mean, °C. */
  cpuAboveSensor: number;
}

/**
 * The part of the weather that is chance, to be added to the mean: slow drift (first-order autoregressive), the load of
 * the CPU that warms the sensor, and the chip's noise. It is drawn on a grid of 250 ms, so that the same seed gives the
 * same values at an instant however often it was asked before. Ask forwards only.
 */
export function weatherChance(seed: number): (elapsedMs: number) => Chance {
  const random = seededRandom(seed);
  const drift = (deviation: number, decayMs: number) => {
    const keep = Math.exp(-stepMs / decayMs);
    const fresh = deviation * Math.sqrt(1 - keep * keep);
    let value = 0;
    return () => {
      value = keep * value + fresh * gaussian(random);
      return value;
    };
  };
  const temperatureDrift = drift(0.15, 600_000);
  const humidityDrift = drift(0.5, 600_000);
  const pressureDrift = drift(0.4, 3_600_000);
  const load = drift(1.5, 120_000);

  let drawn = -1;
  let chance: Chance = { temperature: 0, humidity: 0, pressure: 0, cpuAboveSensor: 0 };
  return (elapsedMs) => {
    for (const wanted = Math.floor(elapsedMs / stepMs); drawn < wanted; drawn += 1) {
      const loadNow = load();
      chance = {
        temperature: temperatureDrift() + loadNow / (heatFactor + 1) + 0.03 * gaussian(random),
        humidity: humidityDrift() - (0.25 * loadNow) / (heatFactor + 1) + 0.1 * gaussian(random),
        pressure: pressureDrift() + 0.03 * gaussian(random),
        cpuAboveSensor: cpuAboveRoom - meanHeat + loadNow,
      };
    }
    return chance;
  };
}

/** What the chips can express: temperature in 1/64 °C, humidity in 1/256 %RH within 0..100, pressure in 1/4096 hPa. */
export function quantised(weather: Weather): Weather {
  const to = (parts: number, value: number) => Math.round(value * parts) / parts;
  return {
    temperature: to(64, weather.temperature),
    humidity: to(256, Math.min(100, Math.max(0, weather.humidity))),
    pressure: to(4096, weather.pressure),
  };
}
