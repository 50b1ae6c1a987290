import { type EwmaMemory, type EwmaSettings, ewma } from './ewma.ts';
import type { NoDataSettings } from './no-data.ts';
import { type RateOfChangeMemory, type RateOfChangeSettings, rateOfChange } from './rate-of-change.ts';
import { type StuckMemory, type StuckSettings, stuck } from './stuck.ts';
import { type ThresholdSettings, threshold } from './threshold.ts';
import type { Sample, Verdict } from './verdict.ts';

/** Settings of a detector that judges the values of one metric; plain JSON. */
export type MetricDetector = ThresholdSettings | RateOfChangeSettings | StuckSettings | EwmaSettings;
export type Detector = MetricDetector | NoDataSettings;

/** Plain JSON; a threshold has none. */
export type DetectorMemory = RateOfChangeMemory | StuckMemory | EwmaMemory;

/** Judges one value; memory of another rule counts as none. */
export function judge(
  detector: MetricDetector,
  memory: DetectorMemory | undefined,
  sample: Sample,
): { state: DetectorMemory | undefined; verdict: Verdict } {
  switch (detector.rule) {
    case 'upper':
    case 'lower':
      return { state: undefined, verdict: threshold(detector, sample) };
    case 'rate-of-change':
      return rateOfChange(detector, memory?.rule === 'rate-of-change' ? memory : undefined, sample);
    case 'stuck':
      return stuck(detector, memory?.rule === 'stuck' ? memory : undefined, sample);
    case 'ewma':
      return ewma(detector, memory?.rule === 'ewma' ? memory : undefined, sample);
  }
}
