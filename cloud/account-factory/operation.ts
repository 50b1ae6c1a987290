/** What a product needs in one account. */
export type Operation =
  | { kind: 'deploy'; regions: readonly string[] }
  /** `CREATE` adds regions to what is there. */
  | { kind: 'update'; operation: 'UPDATE' | 'CREATE'; regions: readonly string[] }
  /** Left out, as the file says. */
  | { kind: 'skip'; why: string }
  /** May not be asked for. */
  | { kind: 'refuse'; why: string };

/**
 * Whether a product is deployed, updated or extended by regions in an account.
 * @param present type of the provisioned product and its regions in the account; undefined where there is none.
 */
export function operationOf(
  {
    regions,
    dependsOn,
    deployIfNotExist,
  }: { regions: readonly string[]; dependsOn: readonly string[]; deployIfNotExist: boolean },
  present: { type: string; regions: readonly string[] } | undefined,
): Operation {
  if (present === undefined) {
    return deployIfNotExist ? { kind: 'deploy', regions } : { kind: 'skip', why: 'it is not deployed there' };
  }
  if (present.type !== 'CFN_STACKSET') {
    return { kind: 'refuse', why: `it is there as ${present.type}; only products with a stack set can be updated` };
  }
  const [updated, added] = [true, false].map((isThere) =>
    regions.filter((region) => present.regions.includes(region) === isThere),
  );
  if (updated === undefined || added === undefined) return { kind: 'skip', why: 'no region' };
  if (added.length > 0 && deployIfNotExist) {
    const into = `adding ${added.join(', ')}`;
    if (updated.length > 0) {
      return {
        kind: 'refuse',
        why: `${into} and updating ${updated.join(', ')} at once is not possible: upload the new regions alone, the others before or after`,
      };
    }
    // One without any stack in the account is yet to be deployed there, in the order of the file.
    if (dependsOn.length > 0 && present.regions.length > 0) {
      return {
        kind: 'refuse',
        why: `${into} is not possible with dependson: upload what it depends on first, then this without dependson`,
      };
    }
    return { kind: 'update', operation: 'CREATE', regions: added };
  }
  if (updated.length === 0) return { kind: 'skip', why: `it is not deployed in ${added.join(', ')}` };
  return { kind: 'update', operation: 'UPDATE', regions: updated };
}
