/** Release of this code; the same as in package.json, which a test sees to. */
export const version = '0.1.0';

/** How the components name themselves in roll calls. */
export const software = `greengrass-itsm/${version}`;
