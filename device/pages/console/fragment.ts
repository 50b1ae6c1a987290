/** What stands behind the `#` of the address: the token, once, and what is looked at. */
export interface Fragment {
  token: string | undefined;
  device: { site: string; deviceId: string } | undefined;
  /** Breach whose curve is to be shown. */
  breachId: string | undefined;
}

export function readFragment(hash: string): Fragment {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  const site = given.get('site');
  const deviceId = given.get('device');
  return {
    token: given.get('token') ?? undefined,
    device: site === null || deviceId === null ? undefined : { site, deviceId },
    breachId: given.get('breach') ?? undefined,
  };
}

export function fragmentOf({ device, breachId }: Pick<Fragment, 'device' | 'breachId'>): string {
  const told = new URLSearchParams();
  if (device !== undefined) {
    told.set('site', device.site);
    told.set('device', device.deviceId);
  }
  if (breachId !== undefined) told.set('breach', breachId);
  const text = told.toString();
  return text === '' ? '' : `#${text}`;
}
