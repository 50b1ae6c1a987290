import { z } from 'zod';

/** What a device of the fleet is; its policy and its thing group follow from that. */
export const deviceKind = z.enum([
  /** A Greengrass core, which gets the deployment. */
  'core',
  /** A Pi without Greengrass whose monitor speaks to AWS IoT Core itself. */
  'monitor',
  /** A machine without Greengrass whose handler serves such monitors. */
  'handler',
]);
export type DeviceKind = z.infer<typeof deviceKind>;

const serialNumber = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/)
  .describe('What the device says that it is: the Pi’s own number.');

/** What AWS IoT asks the hook. Source: AWS IoT Core Developer Guide, "Pre-provisioning hooks", payload 2020-04-01. */
export const hookEvent = z.object({
  claimCertificateId: z.string().optional(),
  certificateId: z.string().min(1),
  clientId: z.string(),
  parameters: z.looseObject({ SerialNumber: serialNumber }),
});

/** A row of the registry, as a person or a shop floor writes it; what the hook adds is for people. */
export const registeredDevice = z.object({
  serialNumber,
  kind: deviceKind,
  thingName: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .refine((name) => name !== 'handler', 'IoTBlog/status/handler is the handler’s own topic')
    .optional()
    .describe('Default: IoT-blog- and the serial number.'),
});
export type RegisteredDevice = z.infer<typeof registeredDevice>;

export const refusals = [
  /** What was asked is no question of AWS IoT’s, or has no serial number. */
  'bad-request',
  'unknown-serial-number',
  /** A row claims as often as `mostClaims`: then a person has to look. */
  'claimed-too-often',
  /** The row says something that this room does not know. */
  'bad-row',
] as const;
export type Refusal = (typeof refusals)[number];

/** What a kind of device is made with. */
const deviceParameters = z.object({ PolicyName: z.string().min(1), ThingGroupName: z.string().min(1) });
export const fleetParameters = z.record(deviceKind, deviceParameters);
export type FleetParameters = z.infer<typeof fleetParameters>;

/** `parameterOverrides` has all parameters of the template but the serial number, whatever the device sent. */
export type HookAnswer =
  | { allowProvisioning: false }
  | { allowProvisioning: true; parameterOverrides: z.infer<typeof deviceParameters> & { ThingName: string } };
