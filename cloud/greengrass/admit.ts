import type { FleetParameters, HookAnswer, RegisteredDevice } from './contract.ts';

/** What a registered device becomes. Every parameter but the serial number is set here, so that a device cannot choose. */
export function admit({ kind, serialNumber, thingName }: RegisteredDevice, fleet: FleetParameters): HookAnswer {
  return {
    allowProvisioning: true,
    parameterOverrides: { ThingName: thingName ?? `IoT-blog-${serialNumber}`, ...fleet[kind] },
  };
}
