/** The code under test: what `device.ts` exports, of the sources or of a mutant's bundle. */
export type DeviceCode = typeof import('./device.ts');
