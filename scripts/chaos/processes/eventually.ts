/** Polls until `holds`; false where it does not within `withinMs`. */
export async function eventually(holds: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  const untilMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() >= untilMs) return false;
    await pause(50);
  }
  return true;
}

/** Lets a fault last for a while: the one thing that no event tells of. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
