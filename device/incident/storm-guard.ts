/**
 * Storm guard: when many keys of one site open within a short time, one incident tells of them all.
 *
 * | state    | on an opening                                             | on                         |
 * |----------|-----------------------------------------------------------|----------------------------|
 * | calm     | own incident, while at most `keys` opened in the window   | more: a storm begins, held |
 * | storming | held: listed in the storm's incident                      | all held ended: calm       |
 */
export type SiteWeather = { state: 'calm'; openings: readonly Opening[] } | { state: 'storming'; stormId: string };

interface Opening {
  correlationId: string;
  atMs: number;
}

export interface StormPolicy {
  /** So many keys may open within the window, each with an incident of its own. */
  keys: number;
  windowMs: number;
}

export type Admission = 'own' | 'storm-begins' | 'held';

export const calm: SiteWeather = { state: 'calm', openings: [] };

/** What becomes of an opening at `atMs` (any clock, but always the same). The list of openings holds at most `keys`. */
export function admit(
  weather: SiteWeather,
  correlationId: string,
  atMs: number,
  policy: StormPolicy,
): { weather: SiteWeather; admission: Admission } {
  if (weather.state === 'storming') return { weather, admission: 'held' };
  const recent = weather.openings.filter(
    (opening) => opening.atMs > atMs - policy.windowMs && opening.correlationId !== correlationId,
  );
  if (recent.length >= policy.keys) return { weather: { state: 'calm', openings: recent }, admission: 'storm-begins' };
  return { weather: { state: 'calm', openings: [...recent, { correlationId, atMs }] }, admission: 'own' };
}
