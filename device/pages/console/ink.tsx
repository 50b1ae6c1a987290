/** Colours of the curves, from the stylesheet's names, so that light and dark are said once. */
export function inkOf() {
  const style = getComputedStyle(document.documentElement);
  const named = (name: string) => style.getPropertyValue(name).trim();
  return {
    curve: named('--accent'),
    spread: `color-mix(in srgb, ${named('--accent')} 22%, transparent)`,
    breach: named('--bad'),
    breachGround: named('--bad-ground'),
    deadband: `color-mix(in srgb, ${named('--warn')} 18%, transparent)`,
    line: named('--line'),
    quiet: named('--quiet'),
  };
}
